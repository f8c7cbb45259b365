"""How measures are called and written: on the report's page, and on the command line."""

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class Wording:
    """How a measure is written.

    Attributes:
        label: What it is called.
        unit: Stands behind the number; "" for none.
        good: Which values are good.
        scale: The number that is written is the value times this.
        decimals: Digits behind the point.
    """

    label: str
    unit: str = ""
    good: str = ""
    scale: float = 1.0
    decimals: int = 2

    def number(self, value: float) -> str:
        """Writes a value without its unit."""
        return f"{float(value) * self.scale:.{self.decimals}f}"

    def text(self, value: float | None) -> str:
        """Writes a value with its unit; None and NaN as "not measured"."""
        if value is None or not math.isfinite(value):
            return "not measured"
        return f"{self.number(value)} {self.unit}".rstrip()


_WORDINGS = {
    "spectral_loss": Wording(
        "Spectral loss", good="lower; at 16 kHz about 4.5 to 5 is what the field calls trained"
    ),
    "magnitude": Wording("Linear part", good="lower; loud partials weigh most"),
    "log_magnitude": Wording("Log part", good="lower; quiet partials and noise weigh as much"),
    "loudness_l1_db": Wording("Loudness error", "dB", "lower; 1 dB is barely heard"),
    "f0_l1_semitones": Wording(
        "Pitch error", "semitones", "lower; 0.05 is barely heard", decimals=3
    ),
    "f0_outlier_share": Wording(
        "Pitch missed", "%", "lower; frames over half a semitone off or without pitch", 100.0, 1
    ),
    "f0_within_50_cents": Wording("Pitch right", "%", "higher; within 50 cents", 100.0, 1),
}


def wording(name: str) -> Wording:
    """Returns how a measure of an evaluation is written.

    Args:
        name: As in evaluation.json.

    Returns:
        Its wording; of an unknown measure, its name with three decimals.

    Example:
        >>> wording("f0_within_50_cents").text(0.998)
        '99.8 %'
        >>> wording("hiss").text(0.5), wording("hiss").text(float("nan"))
        ('0.500', 'not measured')
    """
    return _WORDINGS.get(name) or Wording(name.replace("_", " ").capitalize(), decimals=3)

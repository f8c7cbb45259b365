"""Names and units of measures, for the report and the command line."""

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class Wording:
    """Name, unit and format of a measure.

    Attributes:
        label: Name of the measure.
        unit: Unit, written after the number; "" for none.
        good: Values that are better, and typical ones.
        scale: Factor from the value to the displayed number.
        decimals: Digits after the decimal point.
    """

    label: str
    unit: str = ""
    good: str = ""
    scale: float = 1.0
    decimals: int = 2

    def number(self, value: float) -> str:
        """Returns a value as text, without its unit."""
        return f"{float(value) * self.scale:.{self.decimals}f}"

    def text(self, value: float | None) -> str:
        """Returns a value as text with its unit; "not measured" for None and NaN."""
        if value is None or not math.isfinite(value):
            return "not measured"
        return f"{self.number(value)} {self.unit}".rstrip()


_WORDINGS = {
    "spectral_loss": Wording(
        "Spectral loss", good="lower; a well trained model has about 4.5 to 5 at 16 kHz"
    ),
    "magnitude": Wording("Linear part", good="lower; dominated by loud partials"),
    "log_magnitude": Wording("Log part", good="lower; quiet partials and noise count as much"),
    "loudness_l1_db": Wording("Loudness error", "dB", "lower; 1 dB is barely audible"),
    "f0_l1_semitones": Wording(
        "Pitch error", "semitones", "lower; 0.05 is barely audible", decimals=3
    ),
    "f0_outlier_share": Wording(
        "Pitch outliers",
        "%",
        "lower; frames more than half a semitone off or without pitch",
        100.0,
        1,
    ),
    "f0_within_50_cents": Wording(
        "Pitch accuracy", "%", "higher; frames within 50 cents", 100.0, 1
    ),
    "other_sizes_loss": Wording(
        "Loss at other sizes",
        good="lower; at window sizes that are not trained on, close to the spectral loss",
    ),
    "cepstral_distance_db": Wording(
        "Timbre error",
        "dB",
        "lower; difference of the spectral envelopes, 1 dB from new noise alone",
    ),
    "attack_error_ms": Wording(
        "Attack error",
        "ms",
        "lower; attacks too early or too late, 10 ms is barely audible",
        1.0,
        1,
    ),
}


def wording(name: str) -> Wording:
    """Returns the wording of a measure.

    Args:
        name: Name of the measure in evaluation.json.

    Returns:
        Wording of the measure; an unknown one gets its name and three decimals.

    Example:
        >>> wording("f0_within_50_cents").text(0.998)
        '99.8 %'
        >>> wording("hiss").text(0.5), wording("hiss").text(float("nan"))
        ('0.500', 'not measured')
    """
    return _WORDINGS.get(name) or Wording(name.replace("_", " ").capitalize(), decimals=3)

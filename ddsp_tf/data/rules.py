"""Rules of preparation: which frames of a recording are kept, and with what gain."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ddsp_tf.audio.decoding import CHANNELS
from ddsp_tf.errors import UserError, check_number
from ddsp_tf.features.notes import spans

SILENCE_RULES = ("keep", "trim", "skip")
LEVEL_RULES = ("none", "peak", "rms")
PAUSE_SECONDS = 1.0
EDGE_SECONDS = 0.25
MINIMUM_SECONDS = 0.5
PEAK_TARGET_DB = -1.0
RMS_TARGET_DB = -20.0
_RMS_GATE_DB = 20.0
# The lowest level is -80 dB.
_LOWEST_SILENCE_DB = -79.9


@dataclass(frozen=True)
class PreparationRules:
    """Treatment of channels, silence and levels of recordings.

    A frame is silent if its `power_db` is below `silence_db`. A pause is a second or more of silent
    frames. "trim" removes pauses at both ends of a recording, "skip" also those inside (no segment
    spans a cut); a quarter of a second of every pause remains on either side of the sound. "keep"
    removes nothing.

    Levels are kept ("none"), or each recording gets one gain: it then peaks at -1 dBFS ("peak"), or
    its sound has an RMS of -20 dBFS but peaks at -1 dBFS at most ("rms"). For "rms" the level is
    measured in blocks of 50 ms, excluding silent ones and those 20 dB or more below the mean.

    Args:
        silence: Treatment of pauses: "keep", "trim" or "skip".
        silence_db: Level below which a frame is silent, in dB re full scale, -80 to -10; measured
            after the gain.
        normalize: Treatment of levels: "none", "peak" or "rms".
        channel: Channels to use: "mean" of all, "left" or "right".

    Raises:
        UserError: If a value is not one of these.
    """

    silence: str = "trim"
    silence_db: float = -60.0
    normalize: str = "none"
    channel: str = "mean"

    def __post_init__(self) -> None:
        known_values = {"silence": SILENCE_RULES, "normalize": LEVEL_RULES, "channel": CHANNELS}
        for name, known in known_values.items():
            if getattr(self, name) not in known:
                raise UserError(
                    f"{name} {getattr(self, name)!r}: unknown; expected one of {', '.join(known)}"
                )
        check_number("silence_db", self.silence_db, _LOWEST_SILENCE_DB, -10.0)

    def describe(self) -> dict[str, Any]:
        """Returns the rules, ready for JSON."""
        return {**asdict(self), "silence_db": float(self.silence_db)}

    def kept(self, power_db: np.ndarray, frame_rate: float) -> list[tuple[int, int]]:
        """Finds ranges of frames to keep, half a second or longer, by `power_db` [frames]."""
        if self.silence == "keep":
            return [(0, power_db.size)]
        frames, edge = power_db.size, round(EDGE_SECONDS * frame_rate)
        places = [0]
        for first, last in spans(power_db < self.silence_db):
            is_cut = self.silence == "skip" or first == 0 or last == frames
            if is_cut and last - first >= PAUSE_SECONDS * frame_rate:
                places += [first + edge if first else 0, last - edge if last < frames else frames]
        places.append(frames)
        least = MINIMUM_SECONDS * frame_rate
        ranges = zip(places[::2], places[1::2], strict=True)
        return [(first, last) for first, last in ranges if last - first >= least]

    def gain_db(self, peak: float, block_powers: np.ndarray) -> float:
        """Computes a recording's gain from its peak and the mean squares of blocks of 50 ms."""
        if self.normalize == "none":
            return 0.0
        room_db = PEAK_TARGET_DB - 20.0 * np.log10(peak)
        if self.normalize == "peak":
            return round(float(room_db), 2)
        powers = block_powers[block_powers >= 10.0 ** (self.silence_db / 10.0)]
        if powers.size:
            powers = powers[powers >= powers.mean() * 10.0 ** (-_RMS_GATE_DB / 10.0)]
        if not powers.size:
            return 0.0
        wanted_db = RMS_TARGET_DB - 10.0 * np.log10(powers.mean())
        return round(float(min(wanted_db, room_db)), 2)

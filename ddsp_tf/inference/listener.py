"""Listening: features of live sound, from blocks of any size."""

from typing import Any

import numpy as np

from ddsp_tf.backend.compilation import compiled
from ddsp_tf.errors import UserError
from ddsp_tf.features.extractor import FeatureExtractor
from ddsp_tf.features.live_features import CURVES, LiveFeatures
from ddsp_tf.inference.curves import checked_numbers
from ddsp_tf.models.sanitizing import LARGEST


class Listener:
    """Measures pitch and loudness of live sound, block by block, for a model to play at once.

    The blocks may have any size, independent of the model's hop; the same sound gives the same
    curves however it is divided. A frame is returned with the block that completes its hop, and
    describes the instant `latency` samples before the end of that hop; see `LiveFeatures` for low
    pitches and for how the measures differ from those of a recording.

    Args:
        extractor: Extractor of the features that the model was trained on, from `load_player`; its
            rates and the windows of its levels are used. Pitch is that of the tracker `auto`.

    Raises:
        UserError: If pitch cannot be found at the extractor's sample rate.

    Example:
        >>> import ddsp_tf
        >>> player, extractor = ddsp_tf.load_player(ddsp_tf.instrument("demo_violin"))
        >>> listener = Listener(extractor)
        >>> sine = 0.1 * np.sin(2 * np.pi * 440 / 16000 * np.arange(4000))
        >>> blocks = [listener.listen(block) for block in np.split(sine, 5)]
        >>> [len(curves["f0_hz"]) for curves in blocks], round(float(blocks[-1]["f0_hz"][-1]))
        ([5, 5, 5, 5, 5], 440)
    """

    def __init__(self, extractor: FeatureExtractor):
        self._live = LiveFeatures(
            extractor.sample_rate,
            extractor.frame_rate,
            extractor.loudness_fft_size,
            extractor.power_frame_size,
        )
        self._hear = compiled(self._live.call, self._live)
        self.reset()

    @property
    def hop(self) -> int:
        """Samples per frame."""
        return self._live.hop

    @property
    def latency(self) -> int:
        """Samples from the instant that a frame describes to the end of its hop."""
        return self._live.delay

    @property
    def lookahead(self) -> list[tuple[float, float]]:
        """Lookahead of f0: falling pitches in Hz, each with the milliseconds from that pitch up."""
        return self._live.lookahead

    def reset(self) -> None:
        """Forgets all earlier sound."""
        self._state: Any = self._live.initial_state(1)
        self._rest = np.zeros(0, np.float32)

    def listen(self, block: np.ndarray) -> dict[str, np.ndarray]:
        """Measures the frames that the next block completes.

        Args:
            block: Mono audio [samples] at the extractor's sample rate, of any size, in -1..1.
                Samples that are not finite count as silence.

        Returns:
            Dictionary of "f0_hz" (0 before the first pitch; where there is none, the last one),
            "f0_confidence" (0..1, voiced from 0.5), "loudness_db" and "power_db", float32
            [frames] each. Short blocks may complete no frame.

        Raises:
            UserError: If the block is not an array of real numbers with one dimension, or holds
                integers.
        """
        block = _checked(block)
        sound = np.concatenate([self._rest, np.where(np.abs(block) < LARGEST, block, 0.0)])
        hops = sound.size // self.hop
        self._rest = sound[hops * self.hop :]
        found: dict[str, list[np.ndarray]] = {name: [np.zeros(0, np.float32)] for name in CURVES}
        for hop in sound[: hops * self.hop].reshape(hops, 1, self.hop):
            curves, self._state = self._hear(hop, self._state)
            for name, curve in curves.items():
                found[name].append(np.asarray(curve)[0])
        return {name: np.concatenate(parts) for name, parts in found.items()}


def _checked(block: Any) -> np.ndarray:
    if np.asarray(block).dtype.kind in "iu":
        raise UserError(
            f"the block holds {np.asarray(block).dtype}; expected floating-point samples in -1..1"
        )
    block = checked_numbers("the block", block)
    if block.ndim != 1:
        raise UserError(f"the block has the shape {list(block.shape)}; expected mono [samples]")
    return block

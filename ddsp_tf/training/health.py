"""Detection of failures while a training runs."""

import math
from collections.abc import Mapping
from typing import Self

import numpy as np

from ddsp_tf.models import Autoencoder
from ddsp_tf.processors.convolution_reverb import ConvolutionReverb

# Sound this far below the level of the recordings, in dB, counts as silent.
_SILENT_DB = 40.0
_DEAD_DB = 70.0
# Softer recordings are too soft to compare with.
_AUDIBLE_DB = -70.0
# Most that a room adds to the dry sound, for a listener far beyond its critical distance.
_ROOM_DB = 6.0
# Below the noise of any recording, and keeps the logarithm of silence finite.
_SILENCE = 1e-12


def level_db(audio: np.ndarray) -> float:
    """Measures the mean power of signals in dB re full scale.

    Example:
        >>> round(level_db(np.full((1, 100), 0.1)), 2)
        -20.0
    """
    return 10.0 * math.log10(float(np.mean(np.square(audio))) + _SILENCE)


class Health:
    """Monitors the levels of a model's signals and reports each failure once.

    Three failures make a falling loss worthless: the whole output falls silent, because silence is
    a local minimum of spectral losses; one synthesizer dies, and the others are a poor substitute
    (without harmonics, a noise synthesizer buzzes and hisses, but has no pitch); or a learned room
    becomes an instrument of its own, which any faint sound can excite.

    Args:
        synthesizers: Names of the processors that take no other processor's signal.
        output: Name of the processor whose signal is the output.
        after_step: First step to examine: earlier levels depend mostly on the initial weights.
        rooms: Names of reverbs that pass the dry sound, with the names of their inputs.

    Example:
        >>> health = Health(["harmonic"], "harmonic", after_step=100)
        >>> health.examine(200, {"level_target_db": -20.0, "level_harmonic_db": -90.0})[0][:28]
        'step 200: the output has fal'
    """

    def __init__(
        self,
        synthesizers: list[str],
        output: str,
        after_step: int,
        rooms: Mapping[str, str] | None = None,
    ):
        self.synthesizers, self.output, self.after_step = synthesizers, output, after_step
        self.rooms = dict(rooms or {})
        self._said: set[str] = set()

    @classmethod
    def of(cls, model: Autoencoder, after_step: int) -> Self:
        """Creates the monitor for a model."""
        group = model.processor_group
        names = {processor.name for processor in group.processors}
        pairs = list(zip(group.processors, group.connections, strict=True))
        synthesizers = [processor.name for processor, inputs in pairs if not names & set(inputs)]
        rooms = {
            processor.name: inputs[0]
            for processor, inputs in pairs
            if isinstance(processor, ConvolutionReverb) and processor.add_dry
        }
        return cls(synthesizers, group.processors[-1].name, after_step, rooms)

    def examine(self, step: int, numbers: Mapping[str, float]) -> list[str]:
        """Examines the levels of one step.

        Args:
            step: Number of the step.
            numbers: Levels, as from `levels`.

        Returns:
            Sentences about failures that were not reported before, usually none. A failure that
            ends and returns is reported again.
        """
        target = numbers["level_target_db"]
        if step < self.after_step or target < _AUDIBLE_DB:
            return []
        output = numbers[f"level_{self.output}_db"]
        found = {}
        if output < target - _SILENT_DB:
            found["output"] = (
                f"step {step}: the output has fallen silent ({output:.0f} dB, the recordings have "
                f"{target:.0f} dB); it may come back by itself, else try a smaller "
                "train.learning_rate or another seed"
            )
        else:
            found |= self._dead(step, numbers) | self._swallowing(step, numbers)
        new = [text for name, text in found.items() if name not in self._said]
        self._said = set(found)
        return new

    def _dead(self, step, numbers) -> dict[str, str]:
        """Describes the synthesizers that are no longer audible."""
        target, found = numbers["level_target_db"], {}
        for name in self.synthesizers:
            level = numbers[f"level_{name}_db"]
            if level < target - _DEAD_DB:
                found[name] = (
                    f"step {step}: {name} no longer adds anything ({level:.0f} dB, the recordings "
                    f"have {target:.0f} dB); look at the pitch of the dataset, or leave this "
                    "synthesizer out"
                )
        return found

    def _swallowing(self, step, numbers) -> dict[str, str]:
        """Describes the rooms that replace the synthesizers."""
        found = {}
        for name, dry in self.rooms.items():
            added = numbers[f"level_{name}_db"] - numbers[f"level_{dry}_db"]
            if added > _ROOM_DB:
                found[name] = (
                    f"step {step}: {name} is {added:.0f} dB louder than the dry sound: it carries "
                    "the tone in place of the synthesizers, so loudness and pitch will be wrong; "
                    "start again with train.room='auto', or without a room, as in fast_dry"
                )
        return found

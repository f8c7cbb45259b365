"""Settings of a training run."""

import dataclasses
import math
import reprlib

from ddsp_tf.errors import UserError

ROOMS = ("keep", "auto")
DECAYS = ("exponential", "cosine")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
_FROM_ZERO = (
    "warm_up_steps",
    "average_momentum",
    "early_stop_validations",
    "gain_db",
    "pitch_jitter",
    "envelope_consistency",
    "varispeed",
    "render_every",
)
# Shorter clips have no sound to learn from.
_LEAST = {"clip_seconds": 0.1}
# Largest number of steps over which one row of metrics averages the training loss.
_STEPS_PER_ROW = 50


@dataclasses.dataclass(frozen=True)
class TrainingSettings:
    """Length, batches, optimizer and schedule of a training run (`train.*` in gin files).

    Attributes:
        start_from: Model whose weights the training starts from: run directory, `.keras` file, or
            "bundled:NAME"; "" for none. Weights without a counterpart of the same name and shape
            keep their initial values.
        room: Treatment of the room: "keep", or "auto", which adapts a learned reverb at the end of
            the model to the recordings: levels are matched, and the room is learned slowly, or left
            out if the recordings have no audible one.
        steps: Number of optimizer steps.
        batch_size: Clips per step, over all devices.
        clip_seconds: Length of a training clip in seconds, at least 0.1, rounded to whole frames.
        gain_db: Largest random gain of a clip in decibels, up or down; its loudness and power
            follow. 0 for none.
        pitch_jitter: Largest random shift in semitones, up or down, of the pitch that the decoder
            receives for a clip, while the synthesizers play the true one. It keeps the decoder from
            recognizing single notes by their exact pitch.
        envelope_consistency: Weight of a loss term for tones at random pitches up to 6 semitones
            from those of a clip: how far their spectral envelopes are from those at the clip's
            pitches. It helps where few pitches were recorded. 0 for none.
        varispeed: Largest random change of a clip's speed, like that of a tape, in semitones, at
            most 12; its pitch and loudness follow. 0 for none.
        learning_rate: Highest learning rate of Adam.
        instrument_rate: Factor of the learning rate for the weights that distinguish instruments:
            frequency responses, and the scales and offsets of normalizations.
        warm_up_steps: Steps over which the learning rate rises linearly from 0.
        decay: Decay of the learning rate: "exponential", or "cosine", which reaches 0 at the last
            step.
        decay_rate: Factor by which the learning rate falls over `decay_steps`, if exponential.
        decay_steps: Steps over which it falls by that factor.
        gradient_norm: Largest global norm of the gradient; larger gradients are clipped to it.
        average_momentum: Momentum of the exponential moving average (EMA) of the weights, such as
            0.999; the average is validated and kept as the best model. 0 for no average.
        precision: Data type of computation: "float32", or "mixed_bfloat16" (or "mixed_float16") for
            the matrix products of the decoder; processors and loss always compute in float32.
        validate_every: Number of steps between validations, each with a checkpoint. A multiple of
            50 trains fastest.
        early_stop_validations: Number of validations without a new lowest loss after which the run
            ends; 0 for never.
        render_every: Number of steps between sets of rendered clips; 0 for no renders.

    Raises:
        UserError: If a number is out of range.

    Example:
        >>> TrainingSettings(steps=100).batch_size
        16
    """

    start_from: str = ""
    room: str = "keep"
    steps: int = 30000
    batch_size: int = 16
    clip_seconds: float = 4.0
    gain_db: float = 0.0
    pitch_jitter: float = 0.0
    envelope_consistency: float = 0.0
    varispeed: float = 0.0
    learning_rate: float = 3e-4
    instrument_rate: float = 1.0
    warm_up_steps: int = 500
    decay: str = "exponential"
    decay_rate: float = 0.98
    decay_steps: int = 10000
    gradient_norm: float = 3.0
    average_momentum: float = 0.0
    precision: str = "float32"
    validate_every: int = 1000
    early_stop_validations: int = 0
    render_every: int = 5000

    def __post_init__(self):
        if not isinstance(self.start_from, str):
            raise UserError(
                f"train.start_from={self.start_from!r}; expected the path of a run or a .keras "
                "file, or bundled:NAME, as text"
            )
        self._check_choice("room", ROOMS)
        self._check_choice("decay", DECAYS)
        self._check_choice("precision", PRECISIONS)
        for field in dataclasses.fields(self):
            if field.type is not str:
                self._check_number(field)
        if self.varispeed > 12.0:
            raise UserError(f"train.varispeed={self.varispeed!r}; expected 0 or more, at most 12")
        if self.average_momentum >= 1.0:
            raise UserError(
                f"train.average_momentum={self.average_momentum!r}; expected 0 or more, below 1"
            )

    @property
    def steps_per_epoch(self) -> int:
        """Steps in an epoch of `fit`, which gives one row of metrics.

        The largest divisor of `validate_every` up to 50.
        """
        candidates = range(min(self.validate_every, _STEPS_PER_ROW), 0, -1)
        return next(size for size in candidates if self.validate_every % size == 0)

    def clip_frames(self, frame_rate: float) -> int:
        """Frames of a training clip.

        Args:
            frame_rate: Frames per second of the model.

        Returns:
            `clip_seconds` in frames, at least 1.

        Example:
            >>> TrainingSettings(clip_seconds=1.5).clip_frames(frame_rate=100)
            150
        """
        return max(round(self.clip_seconds * frame_rate), 1)

    def _check_choice(self, name: str, choices: tuple[str, ...]):
        value = getattr(self, name)
        if value not in choices:
            found = reprlib.repr(value)
            raise UserError(f"train.{name}={found}; expected one of {', '.join(choices)}")

    def _check_number(self, field: dataclasses.Field):
        value = getattr(self, field.name)
        from_zero = field.name in _FROM_ZERO
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        whole = field.type is not int or isinstance(value, int)
        least = _LEAST.get(field.name, 0)
        in_range = number and math.isfinite(value) and value >= least
        in_range = in_range and (value > 0 or from_zero)
        if not whole or not in_range:
            kind = "a whole number" if field.type is int else "a number"
            bound = "0 or more" if from_zero else "above 0"
            bound = f"of {least} or more" if least else bound
            raise UserError(f"train.{field.name}={reprlib.repr(value)}; expected {kind} {bound}")

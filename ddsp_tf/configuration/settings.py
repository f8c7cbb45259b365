"""What a training run can be told."""

import dataclasses

from ddsp_tf.errors import UserError

DECAYS = ("exponential", "cosine")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
_FROM_ZERO = (
    "warm_up_steps",
    "render_clips",
    "average_momentum",
    "early_stop_validations",
    "gain_db",
    "pitch_jitter",
    "varispeed",
)


@dataclasses.dataclass(frozen=True)
class TrainingSettings:
    """Length, batches, optimizer and schedule of a training run (`train.*` in gin files).

    Attributes:
        steps: Optimizer steps in all.
        batch_size: Clips a step, over all devices.
        clip_seconds: Length of a training clip in seconds; rounded to whole frames.
        gain_db: Every clip is made louder or softer by a random number of decibels up to this,
            its loudness and power with it; 0 leaves clips as they are.
        pitch_jitter: In every clip the decoder hears the pitch moved by a random number of
            semitones up to this, up or down, while the synthesizers play the true one. So the
            timbre does not hang on the exact pitch, by which single notes can be told apart.
        varispeed: Every clip is played faster or slower, as a tape would be, by a random number
            of semitones up to this, at most 12, its pitch and loudness with it; 0 leaves clips as
            they are.
        learning_rate: Adam's, at its highest.
        warm_up_steps: Steps over which the learning rate rises linearly from 0.
        decay: "exponential", or "cosine": down to 0 at the last step.
        decay_rate: Factor by which the learning rate falls over `decay_steps`, if exponential.
        decay_steps: See `decay_rate`.
        gradient_norm: Largest global norm of the gradient; longer ones are shortened to it.
        average_momentum: Share of its past that the running average of the weights keeps at each
            step, such as 0.999; the average is what is validated and kept as the best model. 0
            validates and keeps the weights themselves.
        precision: "float32", or "mixed_bfloat16" (or "mixed_float16") for the decoder's matrix
            products; processors and loss always compute in float32.
        log_every: Steps from one row of training metrics to the next.
        validate_every: Steps from one pass over the validation clips to the next.
        validation_clips: Most clips used by one such pass.
        early_stop_validations: Ends the run after so many passes without a new lowest loss; 0
            for never.
        checkpoint_every: Steps from one checkpoint to the next.
        keep_checkpoints: Checkpoints kept.
        render_every: Steps from one set of validation renders to the next.
        render_clips: Clips rendered each time.

    Raises:
        UserError: If a number is out of range.

    Example:
        >>> TrainingSettings(steps=100).batch_size
        16
    """

    steps: int = 30000
    batch_size: int = 16
    clip_seconds: float = 4.0
    gain_db: float = 0.0
    pitch_jitter: float = 0.0
    varispeed: float = 0.0
    learning_rate: float = 3e-4
    warm_up_steps: int = 500
    decay: str = "exponential"
    decay_rate: float = 0.98
    decay_steps: int = 10000
    gradient_norm: float = 3.0
    average_momentum: float = 0.0
    precision: str = "float32"
    log_every: int = 50
    validate_every: int = 1000
    validation_clips: int = 64
    early_stop_validations: int = 0
    checkpoint_every: int = 1000
    keep_checkpoints: int = 3
    render_every: int = 5000
    render_clips: int = 4

    def __post_init__(self):
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

    def _check_choice(self, name: str, choices: tuple[str, ...]):
        if getattr(self, name) not in choices:
            raise UserError(
                f"train.{name}={getattr(self, name)!r}; expected one of {', '.join(choices)}"
            )

    def _check_number(self, field: dataclasses.Field):
        value = getattr(self, field.name)
        from_zero = field.name in _FROM_ZERO
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        whole = field.type is not int or isinstance(value, int)
        if not number or not whole or value < 0 or (not from_zero and value == 0):
            kind = "a whole number" if field.type is int else "a number"
            bound = "0 or more" if from_zero else "above 0"
            raise UserError(f"train.{field.name}={value!r}; expected {kind} {bound}")

"""What a training run can be told."""

import dataclasses

from ddsp_tf.errors import UserError


@dataclasses.dataclass(frozen=True)
class TrainingSettings:
    """Length, batches, optimizer and schedule of a training run (`train.*` in gin files).

    Attributes:
        steps: Optimizer steps in all.
        batch_size: Clips a step.
        clip_seconds: Length of a training clip in seconds; rounded to whole frames.
        learning_rate: Adam's, at its highest.
        warm_up_steps: Steps over which the learning rate rises linearly from 0.
        decay_rate: Factor by which the learning rate falls over `decay_steps`, exponentially.
        decay_steps: See `decay_rate`.
        gradient_norm: Largest global norm of the gradient; longer ones are shortened to it.
        log_every: Steps from one row of training metrics to the next.
        validate_every: Steps from one pass over the validation clips to the next.
        validation_clips: Most clips used by one such pass.
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
    learning_rate: float = 3e-4
    warm_up_steps: int = 500
    decay_rate: float = 0.98
    decay_steps: int = 10000
    gradient_norm: float = 3.0
    log_every: int = 50
    validate_every: int = 1000
    validation_clips: int = 64
    checkpoint_every: int = 1000
    keep_checkpoints: int = 3
    render_every: int = 5000
    render_clips: int = 4

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            lowest = 0 if field.name in ("warm_up_steps", "render_clips") else None
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            whole = field.type is not int or isinstance(value, int)
            if not number or not whole or value < 0 or (lowest is None and value == 0):
                kind = "a whole number" if field.type is int else "a number"
                bound = "0 or more" if lowest == 0 else "above 0"
                raise UserError(f"train.{field.name}={value!r}; expected {kind} {bound}")

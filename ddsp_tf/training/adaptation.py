"""Adaptation of a trained model to a minute or two of another instrument."""

import os

from ddsp_tf.errors import UserError
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.training.warm_start import configuration_of

# Longer trainings play a minute of recordings better and everything else worse, and the average of
# the last weights plays everything else better than the last weights.
ADAPTATION = (
    "train.steps=200",
    "train.batch_size=4",
    "train.clip_seconds=1.0",
    "train.learning_rate=3e-4",
    "train.instrument_rate=30.0",
    "train.warm_up_steps=10",
    "train.decay='cosine'",
    "train.pitch_jitter=0.5",
    "train.envelope_consistency=3.0",
    "train.average_momentum=0.98",
    "train.validate_every=100",
    "train.render_every=0",
)


def resolve_configuration(
    config: str | None,
    start_from: str | os.PathLike | None,
    folder: str | os.PathLike | None = None,
) -> tuple[str, list[str]]:
    """Finds the configuration of a training, and settings that depend on where it starts.

    Args:
        config: Path of a gin file, or the name of a shipped one; None for that of `start_from`.
        start_from: Model to start from: run directory, `.keras` file, or "bundled:NAME"; None to
            start from initial weights.
        folder: Folder of the run, which may already exist.

    Returns:
        Tuple of the configuration and of settings that the user's own override: those of a short
        training if the configuration is that of `start_from`, otherwise none.

    Raises:
        UserError: If neither is given, or the model's configuration is unknown.

    Example:
        >>> resolve_configuration("fast", None)
        ('fast', [])
        >>> config, settings = resolve_configuration(None, "bundled:ensemble")
        >>> config, settings[0]
        ('ensemble', 'train.steps=200')
    """
    if config is not None:
        return config, []
    if start_from is None:
        raise UserError("config: none given; expected a configuration or a model to start from")
    run = None if folder is None else RunDirectory(folder)
    return configuration_of(start_from, run), list(ADAPTATION)

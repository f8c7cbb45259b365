"""Models of several instruments that are first trained together with copies of these.

A copy is an instrument as a tape plays it at another speed: its registers, formants and attacks are
those of another instrument. With copies, a model has more instruments to learn from than there are
recordings of. They leave the model before its last steps, which train the recorded ones alone.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import soundfile

from ddsp_tf.app.chain import Chain
from ddsp_tf.configuration.experiment import load_experiment
from ddsp_tf.data.manifest import load_manifest
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.training.devices import configure_backend
from ddsp_tf.training.ensemble_runs import equal_shares, instruments_override
from ddsp_tf.training.fitting import Fitting
from ddsp_tf.training.run import train_run

# Settings of the last steps, a fifth as many as those with copies.
LAST_STEPS = ("train.learning_rate=3e-4", "train.warm_up_steps=100")


def train_together(
    config: str,
    data: Mapping[str, Path],
    folder: Path,
    copies: Mapping[str, Path],
    *,
    overrides: Sequence[str] = (),
    start_from: str | None = None,
    seed: int = 0,
    **callbacks,
) -> dict[str, float]:
    """Trains a model of several instruments, first together with copies, if there are any.

    Args:
        config: Configuration.
        data: Dataset of each instrument.
        folder: Folder of the run. That of the training with copies is beside it.
        copies: Dataset of each copy.
        overrides: Settings of the training.
        start_from: Model to start from if there are no copies.
        seed: Seed of both trainings.
        **callbacks: `on_step` and `on_warning` of `train_run`.

    Returns:
        Summary of the last training.
    """
    if not copies:
        options = {"overrides": overrides, "start_from": start_from, "seed": seed, **callbacks}
        return train_run(config, dict(data), folder, **options)
    first = RunDirectory(folder.with_name(f"{folder.name}_with_copies"))
    # Not by `train_run`, which would learn every copy's expression.
    steps = _fit(config, {**data, **copies}, first, overrides, seed, **callbacks)
    last = [f"train.steps={max(steps // 5, 1)}", *LAST_STEPS]
    options = {"overrides": [*overrides, *last], "seed": seed, **callbacks}
    return train_run(config, dict(data), folder, start_from=first.best_model, **options)


def _fit(config, data, run, overrides, seed, on_step=None, on_warning=None) -> int:
    """Trains a model without the folders of its instruments, and returns the steps."""
    configure_backend()
    names = list(data)
    manifests = [load_manifest(one) for one in data.values()]
    own = instruments_override(names, config)
    experiment = load_experiment(config, [*overrides, *own], seed)
    shares = equal_shares(manifests, names)
    Fitting(experiment, manifests, run, seed, shares, names, on_step, on_warning).run_to_end()
    return experiment.training.steps


def prepare_copies(
    sets: Mapping[str, Path], folder: Path, semitones: Sequence[float], config: str
) -> dict[str, Path]:
    """Makes datasets of the training recordings of sets, played faster or slower.

    Args:
        sets: Folder of each set by the name of its instrument.
        folder: Folder of the results.
        semitones: Changes of speed, 12 being twice as fast.
        config: Configuration.

    Returns:
        Datasets by names such as "cello_-3".
    """
    datasets = {}
    for name, one in sets.items():
        for change in semitones:
            place = folder / f"{name}_{change:g}".replace(".", "_")
            audio = _played(one / "train", place / "recordings", 2.0 ** (change / 12.0))
            chain = Chain([audio], place, config=config, validation_share=0.0)
            chain.prepare()
            datasets[place.name] = chain.dataset
    return datasets


def _played(source: Path, folder: Path, speed: float) -> Path:
    """Copies recordings, which then state the sample rate at which they have another speed."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.glob("*.flac")):
        audio, rate = soundfile.read(path)
        soundfile.write(folder / path.name, audio, round(speed * rate))
    return folder

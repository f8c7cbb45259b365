"""Starting a training from the weights of another model."""

import os
from pathlib import Path

from ddsp_tf.configuration.experiment import find_configuration
from ddsp_tf.errors import UserError
from ddsp_tf.files.ancestry import Ancestor
from ddsp_tf.files.checksum import file_sha256
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.inference.bundled import resolve_model
from ddsp_tf.inference.model_files import load_model
from ddsp_tf.models import Autoencoder
from ddsp_tf.training.weight_transfer import take_instruments


def find_ancestor(source: str | os.PathLike, run: RunDirectory | None = None) -> Ancestor:
    """Finds a model to start from, and describes it.

    Args:
        source: Run directory, `.keras` file, or "bundled:NAME".
        run: Run that starts from it. If the run already exists and the model is gone, the run's own
            record of the model is returned.

    Returns:
        Description for run.json.

    Raises:
        UserError: If there is no model.

    Example:
        >>> find_ancestor("bundled:demo_violin").recordings
        'violin'
    """
    text = os.fspath(source)
    file = _model_file(text)
    if not file.is_file():
        if run and run.record.exists() and run.checkpoints.is_dir():
            known = run.read().get("ancestor")
            if known and known["source"] == text:
                return Ancestor(**known)
        missing = "not found"
        if os.path.exists(text):
            missing = "no best.keras in it" if os.path.isdir(text) else "not a .keras file"
        raise UserError(
            f"{text}: {missing}; expected a run directory, a .keras file or bundled:NAME"
        )
    base = _run_of(text)
    record = base.read() if base.record.exists() else {}
    return Ancestor(
        source=text,
        model_sha256=file_sha256(file),
        config=record.get("config", ""),
        recordings=record.get("recordings", ""),
        step=record.get("step", 0),
        ancestor=record.get("ancestor"),
    )


def start_override(start_from: str | os.PathLike | None) -> list[str]:
    """Returns the model to start from as a setting.

    Args:
        start_from: Path or name of the model; None for none.

    Returns:
        One override, or none.

    Example:
        >>> start_override("bundled:violin"), start_override(None)
        (["train.start_from='bundled:violin'"], [])
    """
    return [] if start_from is None else [f"train.start_from={os.fspath(start_from)!r}"]


def configuration_of(source: str | os.PathLike, run: RunDirectory | None = None) -> str:
    """Finds the configuration of a model to start from.

    Args:
        source: Run directory, `.keras` file, or "bundled:NAME".
        run: Run that starts from it. If the run already exists and the model is gone, the run's own
            configuration is returned.

    Returns:
        Path of a config.gin, or the name in the model's run.json.

    Raises:
        UserError: If there is no model, or its configuration is unknown.

    Example:
        >>> configuration_of("bundled:demo_violin")
        'demo'
    """
    ancestor = find_ancestor(source, run)
    base = _run_of(ancestor.source)
    if run and not _model_file(ancestor.source).is_file():
        return str(run.configuration)
    for owner in (base, base.trained_run()):
        if owner.configuration.is_file():
            return str(owner.configuration)
    if not ancestor.config:
        raise UserError(
            f"{ancestor.source}: no run.json beside it that names its configuration; name the "
            "configuration with --config"
        )
    find_configuration(ancestor.config)
    return ancestor.config


def warm_start(model: Autoencoder, source: str | os.PathLike) -> str:
    """Copies the weights of a trained model to another where names and shapes agree.

    The outputs of the decoder are compared one by one. If the frame rates differ, the parts that
    look back in time keep their initial weights; if the sample rates differ, so do those that
    depend on frequencies relative to it: noise bands, frequency response and room. If the trained
    model has several instruments, a plain model starts from their mean, and each instrument of a
    model of several from the one of the same name, or from their mean.

    Args:
        model: Model to change.
        source: Run directory, `.keras` file, or "bundled:NAME" of the model to start from.

    Returns:
        Sentence that names the parts that keep their initial weights, with the reasons.

    Raises:
        UserError: If there is no model, its file is not safe to load, or nothing fits.

    Example:
        >>> import ddsp_tf
        >>> model = ddsp_tf.load_experiment("demo", ["Reverb.length=8000"]).model
        >>> print(warm_start(model, "bundled:demo_violin"))
        bundled:demo_violin: weights are taken, except those of reverb (4000, here 8000)
    """
    find_ancestor(source)
    base = load_model(resolve_model(source))
    model.build()
    taken, new = take_instruments(model, base)
    reasons = ", ".join(f"{part} ({reason})" for part, reason in new.items())
    if not taken:
        raise UserError(
            f"{source}: none of its weights fits the model: {reasons}; choose the configuration "
            "that it was trained with"
        )
    if not new:
        return f"{source}: all weights are taken"
    return f"{source}: weights are taken, except those of {reasons}"


def _run_of(source: str) -> RunDirectory:
    path = resolve_model(source)
    return RunDirectory(path if path.is_dir() else path.parent)


def _model_file(source: str) -> Path:
    path = resolve_model(source)
    if path.suffix == ".keras" and not path.is_dir():
        return path
    return RunDirectory(path).model_source()[0]

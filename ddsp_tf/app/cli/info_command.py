"""The command `info`, which describes a dataset, run or export."""

from pathlib import Path

import click

from ddsp_tf.app.cli.console import print_table


@click.command()
@click.argument("path", type=Path)
def info(path):
    """Describe a dataset, a run or an exported model.

    PATH may also be the folder that `ddsp-tf run` wrote, or bundled:violin.

    \b
    Example:
        ddsp-tf info my_dataset
    """
    from ddsp_tf.app.project import DESCRIPTIONS, parts_of
    from ddsp_tf.errors import UserError
    from ddsp_tf.inference.bundled import resolve_model

    path = resolve_model(path)
    if not path.exists():
        raise UserError(f"{path}: not found; expected a dataset, a run or an export")
    parts = parts_of(path)
    if not parts:
        raise UserError(
            f"{path}: neither a dataset, nor a run, nor an export (no {', no '.join(DESCRIPTIONS)})"
        )
    for part, description in parts:
        _PRINTERS[description](part)


def _range(numbers: dict | None, unit: str) -> str:
    if not numbers or numbers.get("p5") is None:
        return "-"
    return f"{numbers['p5']:.0f} to {numbers['p95']:.0f} {unit} (5 to 95 %)"


def print_dataset(path, manifest):
    """Prints the contents of a dataset."""
    minutes = manifest.statistics["minutes"]
    flagged = sum(bool(recording.flags) for recording in manifest.recordings)
    given = sum(recording.seconds for recording in manifest.recordings) / 60.0
    rows = [
        ("files", f"{len(manifest.recordings)}, skipped {len(manifest.skipped)}"),
        ("to look at", f"{flagged} of the files"),
        ("minutes given", f"{given:.2f}"),
        *((f"{split} minutes", f"{value:.2f}") for split, value in minutes.items()),
        ("silence", f"{manifest.rules['silence']}, below {manifest.rules['silence_db']:g} dB"),
        (
            "levels",
            "as recorded"
            if manifest.rules["normalize"] == "none"
            else f"normalized by {manifest.rules['normalize']}",
        ),
        ("sample rate", f"{manifest.sample_rate} Hz"),
        ("frame rate", f"{manifest.frame_rate} frames/s, hop {manifest.hop}"),
        ("pitch tracker", _tracker(manifest.extractor)),
        ("pitch", _range(manifest.statistics.get("f0_hz"), "Hz")),
        ("loudness", _range(manifest.statistics.get("loudness_db"), "dB")),
        ("voiced", f"{manifest.statistics['voiced_share']:.0%}"),
    ]
    print_table(f"dataset {path}", rows)


def _tracker(extractor: dict) -> str:
    tracker = extractor["pitch_tracker"]
    return f"{tracker['name']} {tracker['version']}"


def _describe_dataset(path):
    from ddsp_tf.data.manifest import load_manifest

    print_dataset(path, load_manifest(path))


def _describe_run(path):
    from ddsp_tf.evaluation.record import read_evaluation
    from ddsp_tf.evaluation.wording import wording
    from ddsp_tf.files.run_directory import RunDirectory

    run = RunDirectory(path)
    record = run.read()
    rows = [
        ("dataset", _places(run, record)),
        ("configuration", record["config"]),
        ("steps", f"{record.get('step', 0)} of {record['steps']}"),
        ("seed", record["seed"]),
    ]
    if names := record.get("instruments"):
        rows.append(("instruments", ", ".join(dict.fromkeys(names))))
    if ancestor := record.get("ancestor"):
        about = f"{ancestor['recordings'] or 'unknown recordings'}, {ancestor['step']} steps"
        rows.append(("started from", f"{ancestor['source']} ({about})"))
    for name in ("first_validation_loss", "best_validation_loss"):
        if name in record:
            rows.append((name.replace("_", " "), f"{record[name]:.3f}"))
    if run.evaluation.exists():
        evaluation = read_evaluation(run)
        rows.append(("evaluated on", evaluation.described_clips))
        for name in ("spectral_loss", "loudness_l1_db", "f0_l1_semitones", "f0_outlier_share"):
            value = evaluation.summary.get(name)
            rows.append((wording(name).label.lower(), wording(name).text(value)))
    print_table(f"run {run.path}", rows)


def _places(run, record) -> str:
    from ddsp_tf.errors import UserError

    try:
        return ", ".join(map(str, run.datasets()))
    except UserError:
        return f"{', '.join(record['datasets']) or 'unknown'} (gone)"


def _describe_export(path):
    from ddsp_tf.files.export_description import read_description

    description = read_description(path)
    rows = [
        ("features", ", ".join(description.features)),
        *([("instruments", ", ".join(description.instruments))] if description.instruments else []),
        ("sample rate", f"{description.sample_rate} Hz"),
        ("frame rate", f"{description.frame_rate:g} frames/s, hop {description.hop}"),
        ("trained steps", description.trained_steps),
    ]
    for name, file in description.files.items():
        rows.append((name, f"{file.bytes / 1e6:.2f} MB"))
    print_table(f"exported model {path}", rows)


_PRINTERS = {
    "dataset.json": _describe_dataset,
    "run.json": _describe_run,
    "model.json": _describe_export,
}

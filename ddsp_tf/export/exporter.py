"""Writes everything that plays a trained model elsewhere, and checks what it wrote."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ddsp_tf.audio.files import file_sha256
from ddsp_tf.errors import UserError
from ddsp_tf.export.litert import PRECISIONS, write_litert
from ddsp_tf.export.litert_operators import min_runtime_version, operators
from ddsp_tf.export.model_functions import ModelFunctions
from ddsp_tf.export.recording_signatures import transfer_endpoints
from ddsp_tf.export.room import write_impulse_responses
from ddsp_tf.export.saved_model import write_saved_model
from ddsp_tf.export.verification import verify
from ddsp_tf.export.vst import vst_obstacle, write_vst
from ddsp_tf.files.atomic import atomic_path
from ddsp_tf.files.export_description import SCHEMA_VERSION
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.inference.model_files import load_model
from ddsp_tf.version import __version__


def export_run(run: RunDirectory, out: Path, precisions: Sequence[str] = PRECISIONS) -> dict:
    """Exports a run's best model.

    Writes what `export_model` writes. Everything is run and compared with the original before
    the folder appears.

    Args:
        run: The run directory.
        out: Folder to write; an earlier export there is replaced.
        precisions: Precisions of the LiteRT files; "float32" must be among them.

    Returns:
        The content of model.json.

    Raises:
        UserError: If the run has no model, `out` is something else, or an exported model does
            not play what the original plays.
    """
    out = Path(out)
    if out.exists() and not (out / "model.json").is_file():
        raise UserError(f"{out}: exists and is not an export; name another folder")
    if unknown := [name for name in precisions if name not in PRECISIONS]:
        raise UserError(f"precision {unknown[0]!r}: expected some of {', '.join(PRECISIONS)}")
    record = run.read()
    model = load_model(run.path)
    with atomic_path(out) as folder:
        record["model_sha256"] = file_sha256(run.best_model)
        return export_model(model, folder, record, precisions)


def export_model(
    model: Any, folder: Path, record: dict | None = None, precisions: Sequence[str] = PRECISIONS
) -> dict:
    """Exports a model.

    Writes `saved_model/`, `offline.tflite` and `stream.tflite` in each precision, `vst.tflite` if
    DDSP-VST can use the model, `ir.wav` at three rates if it has a reverb, and `model.json`.

    Args:
        model: The `Autoencoder`, built.
        folder: Folder to make.
        record: The run's record, as far as there is one.
        precisions: Precisions of the LiteRT files.

    Returns:
        The content of model.json.

    Raises:
        UserError: If an exported model does not play what the original plays, or needs an
            operator that LiteRT does not have.
    """
    record = record or {}
    folder.mkdir()
    functions = ModelFunctions(model)
    description = describe(functions, record)
    description["signatures"] = write_saved_model(
        functions, folder / "saved_model", transfer_endpoints(functions, record.get("extractor"))
    )
    files = write_litert(model, folder, precisions)
    obstacle = vst_obstacle(model)
    if obstacle is None:
        files.append("vst.tflite")
        write_vst(model, folder / files[-1], record.get("feature_statistics"))
    description["not_written"] = {} if obstacle is None else {"vst.tflite": obstacle}
    write_impulse_responses(model, folder)
    description["artifacts"] = {
        name: {**result, **_anatomy(folder / name)}
        for name, result in verify(functions, folder, files).items()
    }
    description["files"] = _list_files(folder)
    (folder / "model.json").write_text(json.dumps(description, indent=2) + "\n")
    return description


def describe(functions: ModelFunctions, record: dict) -> dict:
    """Returns what a caller must know of a model, as model.json states it.

    Args:
        functions: The model's functions.
        record: The run's record, as far as there is one.

    Returns:
        JSON-able dictionary.
    """
    model = functions.model
    timbre = model.mean_z.numpy().tolist() if model.z_dims else None
    return {
        "schema_version": SCHEMA_VERSION,
        "ddsp_tf_version": __version__,
        "sample_rate": model.sample_rate,
        "frame_rate": model.frame_rate,
        "hop": model.hop,
        "latency_samples": model.latency,
        "features": list(model.feature_names),
        "mean_z": timbre,
        "feature_extractor": record.get("extractor"),
        "feature_ranges": record.get("feature_statistics"),
        "controls": model.decoder.output_sizes,
        "stems": functions.stem_names,
        "state": {
            "saved_model": functions.state_sizes,
            "stream.tflite": ModelFunctions(model, block_frames=1).state_sizes,
        },
        "trained_steps": record.get("step"),
        "seed": record.get("seed"),
        "model_sha256": record.get("model_sha256"),
    }


def _anatomy(path: Path) -> dict:
    """Says how large an exported form is and, of a LiteRT file, what it needs."""
    parts = path.rglob("*") if path.is_dir() else [path]
    size = {"bytes": sum(part.stat().st_size for part in parts if part.is_file())}
    if path.is_dir():
        return size
    content = path.read_bytes()
    return {
        **size,
        "min_runtime_version": min_runtime_version(content),
        "operators": operators(content),
    }


def _list_files(folder: Path) -> dict[str, dict]:
    return {
        path.relative_to(folder).as_posix(): {
            "bytes": path.stat().st_size,
            "sha256": file_sha256(path),
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }

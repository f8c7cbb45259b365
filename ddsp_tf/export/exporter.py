"""Export of a trained model in every form, with checks of the result."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ddsp_tf.backend.execution import EXPORT, with_execution
from ddsp_tf.errors import UserError
from ddsp_tf.export import expression_litert, listening
from ddsp_tf.export.litert import PRECISIONS, write_litert
from ddsp_tf.export.litert_operators import min_runtime_version, operators
from ddsp_tf.export.model_functions import ModelFunctions
from ddsp_tf.export.recording_signatures import RECORDED_DELAY_SECONDS, recording_endpoints
from ddsp_tf.export.room_files import write_impulse_responses
from ddsp_tf.export.saved_model import write_saved_model
from ddsp_tf.export.target import check_target
from ddsp_tf.export.verification import verify
from ddsp_tf.export.vst import vst_file, vst_obstacle, write_vst
from ddsp_tf.features.live_features import LiveFeatures
from ddsp_tf.files.atomic import atomic_path, recover
from ddsp_tf.files.checksum import file_sha256
from ddsp_tf.files.export_description import (
    ExportDescription,
    files_below,
    write_description,
)
from ddsp_tf.files.locks import locked
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.inference.model_files import load_model
from ddsp_tf.models import Autoencoder
from ddsp_tf.typing import Mixture
from ddsp_tf.version import __version__

Addition = Callable[[Autoencoder, Path, Mapping[str, Any]], None]


def export_run(
    run: RunDirectory,
    out: str | os.PathLike,
    precisions: Sequence[str] = PRECISIONS,
    addition: Addition | None = None,
    instrument: Mixture = None,
) -> ExportDescription:
    """Exports the best model of a run with the record of the run; see `export_model`.

    Args:
        run: Run to export.
        out: Folder to write.
        precisions: Precisions of the LiteRT files; see `export_model`.
        addition: Function that writes further files; see `export_model`.
        instrument: Instrument to export as a plain model, for a run with several: a name, or shares
            by name for a mixture. None for the model of all.

    Returns:
        Content of model.json.

    Raises:
        UserError: If the run has no model, or `export_model` refuses.
    """
    check_target(Path(out))
    _check_precisions(precisions)
    record, model = run.read(), load_model(run.path, instrument)
    record["model_sha256"] = file_sha256(run.model_source()[0])
    if run.expression.is_file():
        record["expression"] = run.expression
    return export_model(model, out, precisions, record, addition)


def export_model(
    model: Autoencoder,
    out: str | os.PathLike,
    precisions: Sequence[str] = PRECISIONS,
    record: Mapping[str, Any] | None = None,
    addition: Addition | None = None,
) -> ExportDescription:
    """Exports a model as SavedModel, as LiteRT files, and for DDSP-VST if possible.

    Writes `saved_model/`, `offline.tflite` and `stream.tflite` in each precision, `listen.tflite`,
    which measures live sound, `vst/` if DDSP-VST can use the model, `ir.wav` at three rates if it
    has a reverb, and `model.json`. Each form plays two seconds, which are compared with the model
    before the folder appears. The model is not changed.

    Args:
        model: Model to export; it is built if necessary.
        out: Folder to write. An earlier export there is replaced; a folder with other content is
            refused.
        precisions: Precisions of the LiteRT files, some of "float32", "float16" and "int8".
        record: Origin of the model: "extractor" (`FeatureExtractor.describe()`),
            "feature_statistics" (`dataset_statistics`), "step", "seed" and "model_sha256", which
            are null in model.json if missing; and "expression", the path of the player's
            expression, which is copied, with its network as `expression.tflite`.
        addition: Function of the model, the export's folder and the record that writes further
            files, such as a page.

    Returns:
        Content of model.json.

    Raises:
        UserError: If `out` contains anything but an export, another process is exporting to it, the
            audio of an exported form differs from that of the model, or the model needs an operator
            that LiteRT does not have.

    Example:
        >>> import tempfile, ddsp_tf
        >>> model = ddsp_tf.Autoencoder(
        ...     ddsp_tf.RnnDecoder({"amplitudes": 1, "harmonic_distribution": 4}, rnn_channels=8),
        ...     ddsp_tf.ProcessorGroup([(ddsp_tf.Harmonic(n_harmonics=4),
        ...                              ["amplitudes", "harmonic_distribution", "f0_hz"])]))
        >>> folder = Path(tempfile.mkdtemp(), "export")
        >>> description = ddsp_tf.export_model(model, folder)  # doctest: +SKIP
        >>> description.features  # doctest: +SKIP
        ['f0_hz', 'loudness_db']
    """
    out = Path(os.path.realpath(out))
    _check_precisions(precisions)
    with locked(out, "exporting"):
        recover(out)
        check_target(out)
        model.build()
        with atomic_path(out) as folder:
            folder.mkdir()
            return _write(model, folder, vst_file(out), precisions, record or {}, addition)


def _check_precisions(precisions: Sequence[str]) -> None:
    if unknown := [name for name in precisions if name not in PRECISIONS]:
        raise UserError(f"precision {unknown[0]!r}: expected some of {', '.join(PRECISIONS)}")


def _write(
    model: Autoencoder,
    folder: Path,
    for_vst: str,
    precisions: Sequence[str],
    record: Mapping[str, Any],
    addition: Addition | None,
) -> ExportDescription:
    # One copy serves all forms; their audio is compared with that of the model itself.
    copy = with_execution(model, EXPORT)
    functions = ModelFunctions(copy)
    extractor = record.get("extractor")
    obstacles = {
        listening.FILE: listening.listening_obstacle(model),
        "vst": vst_obstacle(model),
    }
    obstacles = {name: reason for name, reason in obstacles.items() if reason is not None}
    live = None if listening.FILE in obstacles else listening.live_features(model, extractor)
    endpoints = {}
    if live is not None:
        ahead = listening.live_features(model, extractor, RECORDED_DELAY_SECONDS)
        endpoints = recording_endpoints(functions, ahead)
        endpoints |= listening.listening_endpoints(live, None, None)
    signatures = write_saved_model(functions, folder / "saved_model", endpoints)
    files = write_litert(copy, folder, precisions)
    if live is not None:
        files.append(listening.write_listening(live, folder))
    if "vst" not in obstacles:
        files.append(for_vst)
        write_vst(copy, folder / for_vst, record.get("feature_statistics"))
    write_impulse_responses(model, folder)
    results = verify(model, functions, folder, files, live)
    if "expression" in record:
        result = expression_litert.write_expression(record["expression"], folder)
        results |= {expression_litert.FILE: result} if result else {}
    artifacts = {name: {**result, **_anatomy(folder / name)} for name, result in results.items()}
    if addition is not None:
        addition(copy, folder, record)
    content = {
        **_facts(functions, live, record),
        "signatures": signatures,
        "artifacts": artifacts,
        "not_written": obstacles,
        "files": {
            name: {"bytes": (folder / name).stat().st_size, "sha256": file_sha256(folder / name)}
            for name in sorted(files_below(folder))
        },
    }
    return write_description(folder, content)


def _facts(
    functions: ModelFunctions, live: LiveFeatures | None, record: Mapping[str, Any]
) -> dict[str, Any]:
    model = functions.model
    state = {
        "saved_model": functions.state_sizes,
        "stream.tflite": ModelFunctions(model, block_frames=1).state_sizes,
    }
    if live is not None:
        state[listening.FILE] = listening.state_sizes(live)
    return {
        "ddsp_tf_version": __version__,
        "sample_rate": model.sample_rate,
        "frame_rate": model.frame_rate,
        "hop": model.hop,
        "latency_samples": model.latency,
        "features": list(model.feature_names),
        "mean_z": model.mean_z.numpy().tolist() if model.z_dims else None,
        "instruments": list(model.instruments),
        "feature_extractor": record.get("extractor"),
        "feature_ranges": record.get("feature_statistics"),
        "controls": model.decoder.output_sizes,
        "stems": functions.stem_names,
        "state": state,
        "listen": None if live is None else listening.description(live),
        "trained_steps": record.get("step"),
        "seed": record.get("seed"),
        "model_sha256": record.get("model_sha256"),
    }


def _anatomy(path: Path) -> dict[str, Any]:
    """Measures an exported form and, for a LiteRT file, lists its requirements."""
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

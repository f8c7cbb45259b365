"""Writes everything that plays a trained model elsewhere, and checks what it wrote."""

import json
import warnings
from pathlib import Path

import numpy as np
import soundfile
import tensorflow as tf

from ddsp_tf.data.atomic import atomic_path
from ddsp_tf.data.audio_files import file_sha256
from ddsp_tf.errors import UserError
from ddsp_tf.export.description import SCHEMA_VERSION
from ddsp_tf.export.litert import write_litert
from ddsp_tf.export.saved_model import state_shapes, write_saved_model
from ddsp_tf.model_files import load_model
from ddsp_tf.processors import Reverb
from ddsp_tf.synthesis import white_noise
from ddsp_tf.training.run_directory import RunDirectory
from ddsp_tf.version import __version__

TOLERANCE = 1e-4


def export_run(run: RunDirectory, out: Path) -> dict:
    """Exports a run's best model.

    Writes `saved_model/`, `model.tflite`, `model.json` and, if the model has a reverb, `ir.wav`
    (its impulse response, direct sound included). Both models are run and compared with the
    original before the folder appears.

    Args:
        run: The run directory.
        out: Folder to write; an earlier export there is replaced.

    Returns:
        The content of model.json.

    Raises:
        UserError: If the run has no model, `out` is something else, or an exported model does
            not play what the original plays.
    """
    out = Path(out)
    if out.exists() and not (out / "model.json").is_file():
        raise UserError(f"{out}: exists and is not an export; name another folder")
    record = run.read()
    model = load_model(run.path)
    with atomic_path(out) as folder:
        folder.mkdir()
        write_saved_model(model, folder / "saved_model")
        write_litert(model, folder / "model.tflite")
        _write_impulse_response(model, folder / "ir.wav")
        description = describe(model, record)
        description["model_sha256"] = file_sha256(run.best_model)
        description["largest_difference"] = _verify(model, folder)
        description["files"] = _list_files(folder)
        (folder / "model.json").write_text(json.dumps(description, indent=2) + "\n")
    return description


def describe(model, record: dict) -> dict:
    """Returns what a caller must know of a model, as model.json states it.

    Args:
        model: The `Autoencoder`.
        record: The run's record.

    Returns:
        JSON-able dictionary.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "ddsp_tf_version": __version__,
        "sample_rate": model.sample_rate,
        "frame_rate": model.frame_rate,
        "hop": model.hop,
        "latency_samples": model.latency,
        "features": list(model.feature_names),
        "feature_extractor": record.get("extractor"),
        "feature_ranges": record.get("feature_statistics"),
        "controls": model.decoder.output_sizes,
        "state": state_shapes(model),
        "trained_steps": record.get("step"),
        "seed": record.get("seed"),
    }


def _write_impulse_response(model, path: Path):
    for processor in model.processor_group.processors:
        if isinstance(processor, Reverb):
            taps = processor.get_controls(np.zeros((1, 1), np.float32))["impulse_response"]
            soundfile.write(path, np.asarray(taps), model.sample_rate, subtype="FLOAT")


def _verify(model, folder: Path) -> dict[str, float]:
    frames = 2 * model.frame_rate
    pitch = np.linspace(200.0, 400.0, frames, dtype=np.float32)[None]
    level = np.linspace(-60.0, -15.0, frames, dtype=np.float32)[None]
    features = {name: pitch if name == "f0_hz" else level for name in model.feature_names}
    features["noise"] = white_noise((1, frames * model.hop), seed=0)
    expected = np.asarray(model(features))
    saved = tf.saved_model.load(str(folder / "saved_model"))
    played = saved.signatures["synthesize_with_noise"](
        **{name: tf.constant(value) for name, value in features.items()}
    )
    differences = {"saved_model": _difference(played["audio"], expected)}
    with warnings.catch_warnings():
        # It announces its removal with every use; the converter that made the file goes with it.
        warnings.simplefilter("ignore", UserWarning)
        interpreter = tf.lite.Interpreter(str(folder / "model.tflite"))
    played = interpreter.get_signature_runner("synthesize")(**features)
    differences["model.tflite"] = _difference(played["audio"], expected)
    for name, difference in differences.items():
        if not difference <= TOLERANCE:
            raise UserError(
                f"{name}: the exported model differs from the original by {difference:.2g}; "
                f"expected at most {TOLERANCE}"
            )
    return differences


def _difference(audio, expected) -> float:
    return float(np.abs(np.asarray(audio) - expected).max())


def _list_files(folder: Path) -> dict[str, dict]:
    return {
        path.relative_to(folder).as_posix(): {
            "bytes": path.stat().st_size,
            "sha256": file_sha256(path),
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }

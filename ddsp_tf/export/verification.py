"""Verification of an export: every file is run and compared with the model."""

import contextlib
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from ddsp_tf.backend.native_output import quiet
from ddsp_tf.errors import UserError
from ddsp_tf.export import listening
from ddsp_tf.export.model_functions import ModelFunctions
from ddsp_tf.export.vst import OUTPUTS
from ddsp_tf.features.live_features import CURVES, LiveFeatures
from ddsp_tf.inference.rendering import white_noise
from ddsp_tf.inference.saved_program import check_saved_model
from ddsp_tf.models import Autoencoder
from ddsp_tf.units import scale_db, scale_f0_hz

TOLERANCE = 1e-4
_SECONDS = 2


def open_interpreter(path: Path, threads: int = 1):
    """Opens a `.tflite` file.

    Args:
        path: File to open.
        threads: Number of threads to run it with.

    Returns:
        LiteRT interpreter: that of ai-edge-litert if installed, otherwise TensorFlow's own.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        Interpreter = tf.lite.Interpreter
    with warnings.catch_warnings(), quiet():
        # TensorFlow's interpreter announces its removal with every use, and both their CPU kernels.
        warnings.simplefilter("ignore", UserWarning)
        interpreter = Interpreter(str(path), num_threads=threads)
        interpreter.allocate_tensors()
    return interpreter


def example_curves(model: Autoencoder, seconds: float = _SECONDS) -> tuple[dict, np.ndarray]:
    """Returns curves to play: a rising tone that swells.

    Args:
        model: Model that will play them.
        seconds: Length in seconds.

    Returns:
        Tuple of curves, [1, frames] each (vectors [1, frames, size]), and noise [1, frames * hop].
    """
    frames = round(seconds * model.frame_rate)
    curves = {name: np.linspace(-60.0, -15.0, frames)[None] for name in model.feature_names}
    curves["f0_hz"] = np.linspace(201.3, 397.7, frames)[None]
    if model.instruments:
        # Unequal, but the same in all frames, because a room can only change between calls.
        shares = np.arange(1.0, len(model.instruments) + 1.0)
        curves["instrument"] = np.tile(shares, (1, frames, 1))
    if model.z_dims:
        curves["z"] = np.tile(model.mean_z.numpy(), (1, frames, 1))
    curves = {name: curve.astype(np.float32) for name, curve in curves.items()}
    return curves, white_noise((1, frames * model.hop), seed=0)


def agreement(played: np.ndarray, expected: np.ndarray) -> dict[str, float]:
    """Compares two signals.

    Args:
        played: Array of any shape.
        expected: Array of the same shape.

    Returns:
        Dictionary with "largest_difference", and "snr_db", the ratio of the expected power to the
        power of the difference in dB, at most 200.

    Example:
        >>> agreement(np.array([1.0, 1.1]), np.array([1.0, 1.0]))
        {'largest_difference': 0.1, 'snr_db': 23.0}
    """
    played, expected = np.asarray(played, np.float64), np.asarray(expected, np.float64)
    difference = np.abs(played - expected)
    ratio = np.sum(expected**2) / max(np.sum(difference**2), 1e-300)
    return {
        "largest_difference": float(f"{difference.max():.3g}"),
        "snr_db": round(float(np.clip(10.0 * np.log10(max(ratio, 1e-20)), -200.0, 200.0)), 1),
    }


@contextlib.contextmanager
def _full_precision():
    """Keeps a GPU from rounding factors to 10 bits (TF32), because LiteRT does not."""
    rounding = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(rounding)


@_full_precision()
def verify(
    model: Autoencoder,
    functions: ModelFunctions,
    folder: Path,
    files: list[str],
    live: LiveFeatures | None = None,
) -> dict[str, dict]:
    """Plays two seconds with each exported form.

    Args:
        model: Model that was exported.
        functions: Functions that the export consists of.
        folder: Export to verify.
        files: Names of its `.tflite` files.
        live: Layer that `listen.tflite` was made from; None if there is no such file.

    Returns:
        Dictionary from "saved_model" and each file's name to its `agreement` with the model.

    Raises:
        UserError: If a form in full precision differs by more than 1e-4, or any form plays NaN.
    """
    curves, noise = example_curves(model)
    features = {name: tf.constant(value) for name, value in {**curves, "noise": noise}.items()}
    expected = np.asarray(model(features))
    saved = _load_saved_model(folder)
    found = {"saved_model": agreement(_play_saved_model(saved, curves, noise), expected)}
    for file in files:
        if file.startswith("offline"):
            runner = open_interpreter(folder / file, 2).get_signature_runner("synthesize")
            found[file] = agreement(runner(**curves, noise=noise)["audio"], expected)
        elif file.startswith("stream"):
            audio = np.concatenate(list(stream(folder / file, curves, noise)), axis=1)
            late = model.latency
            found[file] = agreement(audio[:, late:], expected[:, : audio.shape[1] - late])
        elif file == listening.FILE:
            by_layer, by_file, by_signature = _listen(live, folder / file, saved)
            found[file] = agreement(by_file, by_layer)
            results = (found["saved_model"], agreement(by_signature, by_layer))
            found["saved_model"] = max(results, key=lambda result: result["largest_difference"])
        else:
            found[file] = agreement(*_plugin_controls(functions, folder / file, curves))
    for name, result in found.items():
        rounded = re.fullmatch(r"\w+_(float16|int8)\.tflite", name)
        limit = np.inf if rounded else TOLERANCE
        if not result["largest_difference"] <= limit:
            raise UserError(
                f"{name}: the exported model differs from the original by "
                f"{result['largest_difference']:.2g}; expected at most {limit}"
            )
    return found


def _load_saved_model(folder):
    check_saved_model(folder / "saved_model")
    return tf.saved_model.load(str(folder / "saved_model"))


def _play_saved_model(saved, curves, noise):
    inputs = {name: tf.constant(value) for name, value in {**curves, "noise": noise}.items()}
    return saved.signatures["synthesize_with_noise"](**inputs)["audio"]


def stream(path: Path, curves: dict, noise: np.ndarray) -> Iterator[np.ndarray]:
    """Plays curves with `stream.tflite` frame by frame.

    Args:
        path: File to play.
        curves: Dictionary of [1, frames] curves.
        noise: Noise [1, frames * hop].

    Yields:
        [1, hop] audio, delayed by the model's latency.
    """
    step = open_interpreter(path).get_signature_runner("step")
    hop = noise.shape[1] // curves["f0_hz"].shape[1]
    state = {
        name: np.zeros(tensor["shape"], np.float32)
        for name, tensor in step.get_input_details().items()
        if name.startswith("state_")
    }
    for frame in range(noise.shape[1] // hop):
        inputs = {name: curve[:, frame : frame + 1] for name, curve in curves.items()}
        state = step(**inputs, noise=noise[:, frame * hop : (frame + 1) * hop], **state)
        yield state.pop("audio")


def _listen(live, path, saved):
    """Returns curves of a sound, scaled to about 0..1: from layer, file and SavedModel."""
    audio = listening.example_sound(live)
    by_file = list(listening.listen_hop_by_hop(open_interpreter(path), audio))
    arguments = {"audio": tf.constant(audio)}
    for name, size in listening.state_sizes(live).items():
        arguments[name] = tf.zeros((1, size))
    curves, _ = tf.function(live, autograph=False)(arguments["audio"], live.initial_state(1))
    found = (
        curves,
        {name: np.concatenate([frame[name] for frame in by_file], axis=1) for name in CURVES},
        saved.signatures[listening.SIGNATURE](**arguments),
    )
    return [_scaled(curves) for curves in found]


def _scaled(curves):
    levels = [scale_db(np.asarray(curves[name])) for name in ("loudness_db", "power_db")]
    return np.stack([scale_f0_hz(curves["f0_hz"]), curves["f0_confidence"], *levels])


def _plugin_controls(functions, path, curves):
    """Returns the controls of every frame from the plugin's file and from the model."""
    interpreter = open_interpreter(path)
    interpreter.allocate_tensors()
    inputs = {tensor["name"]: tensor["index"] for tensor in interpreter.get_input_details()}
    outputs = {tensor["name"]: tensor["index"] for tensor in interpreter.get_output_details()}
    f0_scaled = np.asarray(scale_f0_hz(curves["f0_hz"][0]))
    power_scaled = np.asarray(scale_db(curves["power_db"][0]))
    *controls, state = OUTPUTS
    interpreter.set_tensor(inputs["call_state:0"], np.zeros(OUTPUTS[state], np.float32))
    frames = []
    for f0, power in zip(f0_scaled, power_scaled, strict=True):
        interpreter.set_tensor(inputs["call_f0_scaled:0"], f0[None])
        interpreter.set_tensor(inputs["call_pw_scaled:0"], power[None])
        interpreter.invoke()
        frames.append(np.concatenate([interpreter.get_tensor(outputs[name]) for name in controls]))
        interpreter.set_tensor(inputs["call_state:0"], interpreter.get_tensor(outputs[state]))
    expected = tf.function(functions.controls, autograph=False)(curves)
    names = ("amplitudes", "harmonic_distribution", "noise_magnitudes")
    return np.stack(frames), np.concatenate([expected[name][0] for name in names], axis=1)

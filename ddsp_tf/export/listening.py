"""Export of live listening: the features of live sound that exported models take."""

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from ddsp_tf.errors import UserError
from ddsp_tf.export.litert import convert
from ddsp_tf.export.model_functions import Endpoints, write_endpoints
from ddsp_tf.features.live_features import CURVES, LiveFeatures
from ddsp_tf.files.atomic import temporary_folder
from ddsp_tf.models import Autoencoder
from ddsp_tf.models.sanitizing import finite

FILE = "listen.tflite"
SIGNATURE = "listen"


def live_features(
    model: Autoencoder, extractor: dict | None, delay_seconds: float = 0.020
) -> LiveFeatures:
    """Returns the layer that measures live sound like the training data of a model.

    Args:
        model: Model that will play the features.
        extractor: Description of the extractor that measured the training data, for its frame
            sizes; None for the defaults.
        delay_seconds: Seconds from the instant that a frame describes to the end of its hop.

    Raises:
        UserError: If the model's sample rate is too low to find pitch in.
    """
    extractor = extractor or {}
    return LiveFeatures(
        model.sample_rate,
        model.frame_rate,
        extractor.get("loudness_fft_size", 512),
        extractor.get("power_frame_size", 1024),
        delay_seconds=delay_seconds,
    )


def listening_obstacle(model: Autoencoder) -> str | None:
    """Explains why the features of live sound cannot be measured for a model.

    Args:
        model: Model to judge.

    Returns:
        Clause of a sentence; None if there is no obstacle.

    Example:
        >>> from ddsp_tf.configuration.experiment import load_experiment
        >>> listening_obstacle(load_experiment("demo").model) is None
        True
    """
    try:
        live_features(model, None)
    except UserError as error:
        return str(error)
    return None


def state_sizes(live: LiveFeatures) -> dict[str, int]:
    """Returns the sizes of the parts of one voice's state, by the names in signatures."""
    return {f"state_{name}": size for name, size in live.state_sizes.items()}


def listening_endpoints(live: LiveFeatures, batch: int | None, frames: int | None) -> Endpoints:
    """Returns the signature `listen`, for `write_endpoints`.

    - `listen(audio, state_...)` -> "f0_hz", "f0_confidence", "loudness_db", "power_db", [batch,
      frames] each, and the new state_...; audio is [batch, frames * hop]. All states are zero at
      the start. Samples that are not finite count as silence.

    Args:
        live: Layer from `live_features`.
        batch: Number of voices; None for any number.
        frames: Number of frames; None for any number.

    Returns:
        Endpoints with this signature.
    """
    samples = None if frames is None else frames * live.hop
    sizes = state_sizes(live)
    names = list(live.state_sizes)

    def listen(audio, *state):
        state = dict(zip(names, map(finite, state), strict=True))
        curves, state = live(finite(audio), state)
        return {**curves, **{f"state_{name}": value for name, value in state.items()}}

    specs = [tf.TensorSpec([batch, samples], tf.float32, "audio")]
    specs += [tf.TensorSpec([batch, size], tf.float32, name) for name, size in sizes.items()]
    return {SIGNATURE: (listen, specs)}


def write_listening(live: LiveFeatures, folder: Path) -> str:
    """Writes `listen.tflite`, signature "listen", for one voice and one hop per call.

    Args:
        live: Layer from `live_features`.
        folder: Existing folder to write to.

    Returns:
        Name of the file.
    """
    (folder / FILE).write_bytes(_content(**live.settings))
    return FILE


@functools.lru_cache(maxsize=8)
def _content(**settings: Any) -> bytes:
    """Converts the layer, once for all models with the same rates."""
    with temporary_folder() as saved:
        write_endpoints(listening_endpoints(LiveFeatures(**settings), 1, 1), saved)
        return convert(saved, SIGNATURE, FILE)


def listen_hop_by_hop(interpreter: Any, audio: np.ndarray) -> Iterator[dict[str, np.ndarray]]:
    """Measures a sound with `listen.tflite`, hop by hop.

    Args:
        interpreter: LiteRT interpreter of the file.
        audio: Audio [1, samples].

    Yields:
        Curves, [1, 1] each.
    """
    runner = interpreter.get_signature_runner(SIGNATURE)
    shapes = {name: tensor["shape"] for name, tensor in runner.get_input_details().items()}
    hop = int(shapes.pop("audio")[1])
    state = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    for start in range(0, audio.shape[1] - hop + 1, hop):
        outputs = runner(audio=audio[:, start : start + hop], **state)
        state = {name: outputs[name] for name in shapes}
        yield {name: outputs[name] for name in CURVES}


def example_sound(live: LiveFeatures) -> np.ndarray:
    """Returns two seconds to listen to: a rest, then a rising tone of eight harmonics.

    Args:
        live: Layer that will listen.

    Returns:
        Float32 [1, samples], of a whole number of hops.
    """
    frames = round(2.0 * live.frame_rate)
    time = np.arange(frames * live.hop) / live.sample_rate
    cycles = np.cumsum(np.linspace(201.3, 397.7, time.size)) / live.sample_rate
    tone = sum(np.sin(2 * np.pi * k * cycles) / k for k in range(1, 9))
    return (0.1 * tone * (time > 0.4)).astype(np.float32)[None]


def description(live: LiveFeatures) -> dict[str, Any]:
    """Returns the entry `listen` of model.json."""
    lowest_hz, highest_hz = live.range_hz
    return {
        "latency_samples": live.delay,
        "lookahead_ms": [list(row) for row in live.lookahead],
        "lowest_hz": lowest_hz,
        "highest_hz": highest_hz,
    }

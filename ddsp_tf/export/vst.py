"""Writes a model as a file that the DDSP-VST plugin loads.

The plugin finds tensors by name, checks their sizes, runs builtin operators only, and reads
metadata.json from a zip archive that is appended to the file. It makes the sound itself, from the
model's controls.
"""

import datetime
import json
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from keras import ops

from ddsp_tf.backend.execution import EXPORT, with_execution
from ddsp_tf.dsp.framing import hop_size
from ddsp_tf.export.litert import convert
from ddsp_tf.export.model_functions import write_endpoints
from ddsp_tf.inference.sanitizing import finite
from ddsp_tf.models import Autoencoder
from ddsp_tf.processors import FilteredNoise, Harmonic
from ddsp_tf.units import MIDI_RANGE, midi_to_hz
from ddsp_tf.version import __version__

INPUTS = {"call_f0_scaled:0": 1, "call_pw_scaled:0": 1, "call_state:0": 512}
OUTPUTS = {f"StatefulPartitionedCall:{n}": size for n, size in enumerate((1, 60, 65, 512))}
_SAMPLE_RATE = 16000
_FRAME_RATE = 50


def vst_obstacle(model: Autoencoder) -> str | None:
    """Says why the plugin could not use a model.

    Args:
        model: The model.

    Returns:
        One sentence; None if it could.

    Example:
        >>> from ddsp_tf.configuration.experiment import load_experiment
        >>> vst_obstacle(load_experiment("demo").model)
        'features are f0_hz, loudness_db; DDSP-VST gives f0_hz, power_db'
        >>> vst_obstacle(load_experiment("vst").model) is None
        True
    """
    if sorted(model.feature_names) != ["f0_hz", "power_db"] or model.z_dims:
        names = ", ".join([*model.feature_names, *(["z"] if model.z_dims else [])])
        return f"features are {names}; DDSP-VST gives f0_hz, power_db"
    harmonics, noises = (_of_kind(model, kind) for kind in (Harmonic, FilteredNoise))
    if len(harmonics) != 1 or len(noises) != 1:
        return "DDSP-VST plays one Harmonic and one FilteredNoise"
    sizes = {
        "sample rate": (model.sample_rate, _SAMPLE_RATE),
        "hop": (model.hop, hop_size(_SAMPLE_RATE, _FRAME_RATE)),
        "decoder state": (model.decoder.state_size, INPUTS["call_state:0"]),
        "number of harmonics": (harmonics[0].n_harmonics, OUTPUTS["StatefulPartitionedCall:1"]),
        "number of noise bands": (noises[0].n_bands, OUTPUTS["StatefulPartitionedCall:2"]),
    }
    for name, (found, expected) in sizes.items():
        if found != expected:
            return f"{name} is {found}; DDSP-VST takes {expected}"
    return None


def write_vst(model: Autoencoder, path: Path, statistics: dict | None) -> None:
    """Writes the file.

    Args:
        model: A model without a `vst_obstacle`, built.
        path: The `.tflite` file.
        statistics: The training data's, for the ranges that the plugin shows; None for those of
            no instrument in particular.

    Raises:
        UserError: If the model needs an operator that LiteRT does not have.
    """
    specs = [
        tf.TensorSpec([size], tf.float32, name.removeprefix("call_").removesuffix(":0"))
        for name, size in INPUTS.items()
    ]
    model = with_execution(model, EXPORT)
    with tempfile.TemporaryDirectory() as saved:
        # The signature's name and those of its arguments become the names of the tensors.
        write_endpoints({"call": (lambda *values: _controls(model, *values), specs)}, saved)
        path.write_bytes(convert(saved, "call", path.name))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("metadata.json", json.dumps(vst_metadata(statistics), indent=2))


def vst_metadata(statistics: dict | None) -> dict:
    """Gives the content of metadata.json.

    Args:
        statistics: As for `write_vst`.

    Returns:
        JSON-able dictionary with the plugin's keys.

    Example:
        >>> round(vst_metadata(None)["mean_max_pitch_note_hz"])
        1047
    """
    statistics = statistics or {}
    pitch = statistics.get("f0_midi", {"mean_min": 48.0, "mean_max": 84.0})
    power = statistics.get("power_db", {"mean_min": -60.0, "mean_max": -20.0})
    return {
        "mean_min_pitch_note": pitch["mean_min"],
        "mean_max_pitch_note": pitch["mean_max"],
        "mean_min_pitch_note_hz": float(np.round(midi_to_hz(pitch["mean_min"]), 4)),
        "mean_max_pitch_note_hz": float(np.round(midi_to_hz(pitch["mean_max"]), 4)),
        "mean_min_power_note": power["mean_min"],
        "mean_max_power_note": power["mean_max"],
        "version": __version__,
        "export_time": datetime.datetime.now().isoformat(),
        "num_harmonics": OUTPUTS["StatefulPartitionedCall:1"],
        "num_noise_amps": OUTPUTS["StatefulPartitionedCall:2"],
        "frame_rate": _FRAME_RATE,
        "frame_size": 1024,
        "sample_rate": _SAMPLE_RATE,
    }


def _of_kind(model, kind) -> list:
    return [part for part in model.processor_group.processors if type(part) is kind]


def _controls(model, f0_scaled, power_scaled, state):
    """Computes one frame: scaled pitch and power, state -> amplitude, harmonics, noise, state."""
    f0_scaled = ops.clip(finite(f0_scaled), 0.0, 1.0)
    # -80 dB where there is no number, up to 20 dB.
    power_scaled = ops.clip(finite(power_scaled), 0.0, 1.25)
    scaled = {"f0_hz": f0_scaled, "power_db": power_scaled}
    scaled = {name: ops.reshape(value, (1, 1, 1)) for name, value in scaled.items()}
    raw, state = model.decoder(scaled, state=ops.reshape(finite(state), (1, -1)))
    raw["f0_hz"] = ops.where(scaled["f0_hz"] > 0.0, midi_to_hz(scaled["f0_hz"] * MIDI_RANGE), 0.0)
    found = {}
    group = model.processor_group
    for processor, names in zip(group.processors, group.connections, strict=True):
        if type(processor) in (Harmonic, FilteredNoise):
            found |= processor.get_controls(*(raw[name] for name in names))
    outputs = [
        found["amplitudes"],
        found["harmonic_distribution"],
        found["noise_magnitudes"],
        state,
    ]
    return tuple(ops.reshape(value, (-1,)) for value in outputs)

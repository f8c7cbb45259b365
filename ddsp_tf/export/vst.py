"""Export as a file that the DDSP-VST plugin loads.

The plugin finds tensors by name, checks their sizes, runs builtin operators only, and reads
metadata.json from a zip archive that is appended to the file. It synthesizes the sound itself from
the model's controls. It opens every `.tflite` file in and below its Models folder, and newer LiteRT
files crash it, so the file for the plugin has its own folder.
"""

import datetime
import json
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from keras import ops

from ddsp_tf.dsp.rates import hop_size
from ddsp_tf.export.litert import convert
from ddsp_tf.export.model_functions import ModelFunctions, write_endpoints
from ddsp_tf.models import Autoencoder
from ddsp_tf.models.sanitizing import finite
from ddsp_tf.processors import FilteredNoise, Harmonic
from ddsp_tf.units import DB_RANGE, MIDI_RANGE, midi_to_hz
from ddsp_tf.version import __version__

INPUTS = {"call_f0_scaled:0": 1, "call_pw_scaled:0": 1, "call_state:0": 512}
OUTPUTS = {f"StatefulPartitionedCall:{n}": size for n, size in enumerate((1, 60, 65, 512))}
_SAMPLE_RATE = 16000
_FRAME_RATE = 50
# A network only approaches silence, so sound is muted at the lowest level and fades in above it.
_FADE_DB = 6.0


def vst_obstacle(model: Autoencoder) -> str | None:
    """Explains why the plugin cannot use a model.

    Args:
        model: Model to judge.

    Returns:
        Clause of a sentence; None if there is no obstacle.

    Example:
        >>> from ddsp_tf.configuration.experiment import load_experiment
        >>> vst_obstacle(load_experiment("demo").model)
        'features are f0_hz, loudness_db; DDSP-VST gives f0_hz, power_db'
        >>> vst_obstacle(load_experiment("vst").model) is None
        True
    """
    if sorted(model.feature_names) != ["f0_hz", "power_db"] or model.vector_sizes:
        names = ", ".join([*model.feature_names, *model.vector_sizes])
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


def vst_file(out: Path) -> str:
    """Returns the path of the plugin's file in an export; the plugin lists files by name.

    Args:
        out: Folder of the export. If it is called "export", the file is named after its parent
            folder.

    Example:
        >>> vst_file(Path("models/violin")), vst_file(Path("flute/export"))
        ('vst/violin/violin.tflite', 'vst/flute/flute.tflite')
    """
    name = (out.parent.name if out.name == "export" else out.name) or "instrument"
    return f"vst/{name}/{name}.tflite"


def write_vst(model: Autoencoder, path: Path, statistics: dict | None) -> None:
    """Writes a file for the plugin.

    Args:
        model: Model without a `vst_obstacle`, built.
        path: `.tflite` file to write, in a folder that may be missing.
        statistics: Statistics of the training data, for the ranges that the plugin shows; None for
            general ranges.

    Raises:
        UserError: If the model needs an operator that LiteRT does not have.
    """
    specs = [
        tf.TensorSpec([size], tf.float32, name.removeprefix("call_").removesuffix(":0"))
        for name, size in INPUTS.items()
    ]
    decoder_model = ModelFunctions(model).model
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as saved:
        # The names of the signature and its arguments become the names of the tensors.
        write_endpoints({"call": (lambda *values: _controls(decoder_model, *values), specs)}, saved)
        path.write_bytes(convert(saved, "call", path.name))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("metadata.json", json.dumps(vst_metadata(statistics), indent=2))


def vst_metadata(statistics: dict | None) -> dict:
    """Returns the content of metadata.json.

    Args:
        statistics: Statistics of the training data, as for `write_vst`.

    Returns:
        Dictionary with the plugin's keys, for JSON.

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
    return [part for part in model.processor_group.processors if isinstance(part, kind)]


def _controls(model, f0_scaled, power_scaled, state):
    """Computes amplitude, harmonics, noise and state of one frame from pitch, power and state."""
    f0_scaled = ops.clip(finite(f0_scaled), 0.0, 1.0)
    # Up to 20 dB; -80 dB if the number is not finite.
    power_scaled = ops.clip(finite(power_scaled), 0.0, 1.25)
    scaled = {"f0_hz": f0_scaled, "power_db": power_scaled}
    scaled = {name: ops.reshape(value, (1, 1, 1)) for name, value in scaled.items()}
    raw, state = model.decoder(scaled, state=ops.reshape(finite(state), (1, -1)))
    raw["f0_hz"] = ops.where(scaled["f0_hz"] > 0.0, midi_to_hz(scaled["f0_hz"] * MIDI_RANGE), 0.0)
    group, above_floor_db = model.processor_group, scaled["power_db"] * DB_RANGE
    if model.level_matching is not None:
        level_db = above_floor_db - DB_RANGE
        raw = model.level_matching.match(group, raw, "power_db", level_db)
    found = {}
    for processor, names in zip(group.processors, group.connections, strict=True):
        if isinstance(processor, Harmonic | FilteredNoise):
            found |= processor.get_controls(*(raw[name] for name in names))
    audible = ops.minimum(above_floor_db / _FADE_DB, 1.0)
    outputs = [
        found["amplitudes"] * audible,
        found["harmonic_distribution"],
        found["noise_magnitudes"] * audible,
        state,
    ]
    return tuple(ops.reshape(value, (-1,)) for value in outputs)

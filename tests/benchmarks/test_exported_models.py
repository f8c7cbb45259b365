"""The benchmark of exported streams hands the state back, as a host does."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from ddsp_tf.configuration.experiment import load_experiment
from ddsp_tf.export.verification import open_interpreter
from ddsp_tf.export.vst import write_vst

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "exported_models.py"


@pytest.fixture(scope="module")
def program():
    return runpy.run_path(str(PROGRAM))


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    model = load_experiment("vst", ["RnnDecoder.stack_channels=8", "Reverb.length=10"]).model
    model.build()
    path = tmp_path_factory.mktemp("vst") / "vst.tflite"
    write_vst(model, path, None)
    return path


def state_pairs(program, path):
    interpreter = open_interpreter(path)
    details = [*interpreter.get_input_details(), *interpreter.get_output_details()]
    sizes = {tensor["index"]: int(np.prod(tensor["shape"])) for tensor in details}
    inputs = {tensor["name"]: tensor for tensor in interpreter.get_input_details()}
    states, played = program["state_pairs"](interpreter, inputs)
    assert all(sizes[before] == sizes[after] for before, after in states)
    return states, [sizes[index] for index in played]


def test_every_state_of_a_stream_goes_round(program, tiny_export):
    path = tiny_export / "stream.tflite"
    step = open_interpreter(path).get_signature_runner("step")
    states, played = state_pairs(program, path)
    assert len(states) == sum(name.startswith("state_") for name in step.get_input_details())
    assert played == [160]
    times = program["hop_times"](path, 3)
    assert times.shape == (3,) and (times > 0.0).all()


def test_the_state_of_listening_goes_round(program, tiny_export):
    states, played = state_pairs(program, tiny_export / "listen.tflite")
    assert states and len(played) == 4
    assert program["hop_times"](tiny_export / "listen.tflite", 3).shape == (3,)


def test_the_plugins_state_goes_round(program, plugin):
    states, played = state_pairs(program, plugin)
    assert len(states) == 1 and sorted(played) == [1, 60, 65]
    assert program["hop_times"](plugin, 3).shape == (3,)

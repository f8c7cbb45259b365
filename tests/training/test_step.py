"""One optimizer step: gradients cut to length, weights averaged, silence left behind."""

import keras
import numpy as np
import pytest
from backends import tensorflow_only
from ddsp_tf.training.objective import Objective
from ddsp_tf.training.step import TrainingStep, make_optimizer
from small_models import HOP, make_curves, make_model

from ddsp_tf.configuration.settings import TrainingSettings
from ddsp_tf.losses import MultiScaleSpectralLoss

FRAMES = 25


@pytest.fixture
def batch(rng):
    """Two tones with a little noise."""
    curves = make_curves(2, FRAMES)
    phase = np.cumsum(np.repeat(curves["f0_hz"], HOP, axis=1), axis=1) / 16000.0
    audio = 0.2 * np.sin(2.0 * np.pi * phase) + rng.normal(0.0, 0.01, phase.shape)
    levels = np.full((2, FRAMES), -20.0, np.float32)
    return {
        "audio": audio.astype(np.float32),
        "f0_hz": curves["f0_hz"],
        "loudness_db": levels,
        "power_db": levels,
        "source": np.array([b"a.wav", b"b.wav"]),
    }


def make_step(optimizer, gradient_norm=1e9, model=None):
    objective = Objective(model or make_model(), MultiScaleSpectralLoss((512, 128)))
    return TrainingStep(objective, optimizer, gradient_norm, seed=0)


def run(step, batch, number):
    values = keras.ops.convert_to_numpy(step.run(batch, number)).tolist()
    return dict(zip(step.names, values, strict=True))


def weights_of(step):
    step.arrays()
    variables = step.model.trainable_variables
    return np.concatenate([keras.ops.convert_to_numpy(v.value).ravel() for v in variables])


@pytest.mark.parametrize("gradient_norm", [1e-3, 1e9])
def test_gradients_longer_than_the_limit_are_cut_to_it(batch, gradient_norm):
    step = make_step(keras.optimizers.SGD(1e-2), gradient_norm)
    before = weights_of(step)
    numbers = run(step, batch, 0)
    length = np.linalg.norm(weights_of(step) - before) / 1e-2
    # What is reported is the length before it is cut.
    assert numbers["gradient_norm"] > 0.1
    expected = min(gradient_norm, numbers["gradient_norm"])
    assert length == pytest.approx(expected, rel=1e-2)


def test_noise_of_a_step_depends_on_its_number_alone(batch):
    losses = []
    for number in (0, 5, 5):
        step = make_step(keras.optimizers.SGD(0.0))
        losses.append(run(step, batch, number)["loss"])
    assert losses[1] == losses[2] != losses[0]


def test_the_average_of_the_weights_is_what_is_kept(batch):
    momentum = 0.7
    settings = TrainingSettings(warm_up_steps=0, learning_rate=1e-2, average_momentum=momentum)
    step = make_step(make_optimizer(settings))
    before, average = weights_of(step), None
    with step.weights_to_keep():
        np.testing.assert_array_equal(weights_of(step), before)
    for number in range(4):
        step.run(batch, number)
        weights = weights_of(step)
        average = weights if average is None else momentum * average + (1 - momentum) * weights
    with step.weights_to_keep():
        np.testing.assert_allclose(weights_of(step), average, atol=1e-6)
    np.testing.assert_array_equal(weights_of(step), weights)
    assert np.abs(average - weights).max() > 1e-3
    # They go into a checkpoint and come out of it.
    other = make_step(make_optimizer(settings))
    other.restore(step.arrays())
    with other.weights_to_keep():
        np.testing.assert_allclose(weights_of(other), average, atol=1e-6)
    with pytest.raises(ValueError, match="another model or optimizer"):
        make_step(make_optimizer(TrainingSettings())).restore(step.arrays())


def test_half_precision_lowers_the_loss_as_full_precision_does(batch):
    ends = {}
    for precision in ("float32", "mixed_bfloat16"):
        before = keras.config.dtype_policy()
        try:
            keras.config.set_dtype_policy(precision)
            model = make_model()
        finally:
            keras.config.set_dtype_policy(before)
        settings = TrainingSettings(warm_up_steps=0, learning_rate=1e-2, precision=precision)
        step = make_step(make_optimizer(settings), 3.0, model)
        losses = [run(step, batch, number)["loss"] for number in range(30)]
        assert np.isfinite(losses).all() and losses[-1] < 0.6 * losses[0]
        assert all(w.dtype == "float32" for w in model.trainable_variables)
        ends[precision] = losses[-1]
    assert ends["mixed_bfloat16"] == pytest.approx(ends["float32"], rel=0.1)


def test_a_model_forced_silent_climbs_out(batch):
    model = make_model()
    # exp_sigmoid(-10) is 1e-7: below anything that the log of the loss tells from silence.
    layer = model.decoder.output_layer
    layer.kernel.assign(np.zeros(layer.kernel.shape, np.float32))
    layer.bias.assign(np.full(layer.bias.shape, -10.0, np.float32))
    model.processor_group.processors[-1].impulse_response.assign(np.zeros(300, np.float32))
    settings = TrainingSettings(warm_up_steps=0, learning_rate=0.1)
    step = make_step(make_optimizer(settings), 3.0, model)
    levels = [run(step, batch, number)["level_reverb_db"] for number in range(200)]
    assert levels[0] < -119.0
    assert max(levels[-20:]) > -25.0, levels[::20]


@tensorflow_only
@pytest.mark.parametrize("kernel", [False, True])
def test_what_xla_compiles_holds_nothing_that_is_compiled_by_itself(batch, monkeypatch, kernel):
    # Its inputs would be constants, and the noise of every step would be compiled anew.
    import tensorflow as tf

    from ddsp_tf.training import tensorflow_step

    def compiled_anywhere(function):
        return tf.function(function, jit_compile=True, autograph=False)

    monkeypatch.setattr(tensorflow_step, "compile_on_gpu", compiled_anywhere)
    model = make_model()
    model.decoder.has_fused_kernel = kernel
    batch.pop("source")
    inputs = {key: tf.constant(value) for key, value in batch.items()}
    step = make_step(keras.optimizers.SGD(), model=model)
    graph = step._step._run.get_concrete_function(inputs, tf.constant(0, tf.int64)).graph
    functions = graph.as_graph_def().library.function
    compiled = [function for function in functions if "_XlaMustCompile" in function.attr]
    assert len(compiled) >= 2
    for function in compiled:
        called = {node.attr["f"].func.name for node in function.node_def}
        assert not called & {function.signature.name for function in compiled}

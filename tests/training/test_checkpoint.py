"""Checkpoints: names that every process gives, the newest whole one, nothing of another model."""

import keras
import numpy as np
import pytest

from ddsp_tf.errors import UserError
from ddsp_tf.training.checkpoint import Checkpoint, NotFiniteError


def make_model(units=3, average=True):
    model = keras.Sequential([keras.layers.Dense(units), keras.layers.Dense(units)])
    model.build((None, units))
    model.compile(keras.optimizers.Adam(0.1, use_ema=average, ema_momentum=0.5), "mse")
    return model


def fit(model, folder, epochs, initial_epoch=0, on_warning=None):
    checkpoint = Checkpoint(folder, every=2, keep=2, on_warning=on_warning)
    x = np.ones((4, 3), np.float32)
    model.fit(
        x,
        x,
        batch_size=2,
        epochs=epochs,
        initial_epoch=initial_epoch,
        shuffle=False,
        verbose=0,
        callbacks=[checkpoint],
    )
    return checkpoint


def state(model):
    variables = [*model.variables, *model.optimizer.variables]
    return [keras.ops.convert_to_numpy(keras.ops.copy(variable)) for variable in variables]


def test_another_process_resumes_exactly(tmp_path):
    model = make_model()
    start = model.get_weights()
    fit(model, tmp_path / "whole", epochs=4)
    # Later models of a process have layers of other numbers.
    first, second = make_model(), make_model()
    first.set_weights(start)
    assert first.layers[0].name != second.layers[0].name
    assert fit(first, tmp_path / "parts", epochs=2).saved_step == 4
    checkpoint = fit(second, tmp_path / "parts", epochs=4, initial_epoch=2)
    assert [path.name for path in checkpoint.paths()] == ["step_00000006.npz", "step_00000008.npz"]
    for ours, theirs in zip(state(second), state(model), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("kind", ["cut", "flipped", "renamed", "empty"])
def test_damaged_ones_are_passed_over(kind, tmp_path):
    fit(make_model(), tmp_path, epochs=2)
    newest = tmp_path / "step_00000004.npz"
    content = bytearray(newest.read_bytes())
    if kind == "cut":
        content = content[: len(content) // 2]
    elif kind == "flipped":
        content[len(content) // 2] ^= 0xFF
    elif kind == "renamed":
        content = content.replace(b"kernel", b"kernex")
    else:
        content = b""
    newest.write_bytes(content)
    said = []
    checkpoint = Checkpoint(tmp_path, on_warning=said.append)
    assert checkpoint.latest_step() == checkpoint.latest_step() == 2
    assert len(said) == 1 and str(newest) in said[0] and "\n" not in said[0]


@pytest.mark.parametrize("model", [{"units": 4}, {"average": False}])
def test_those_of_another_model_are_refused(model, tmp_path):
    fit(make_model(), tmp_path, epochs=1)
    with pytest.raises(UserError, match="belongs to another model or optimizer; name a new folder"):
        fit(make_model(**model), tmp_path, epochs=2)


def test_weights_that_are_no_numbers_are_not_saved(tmp_path):
    model = make_model()
    checkpoint = fit(model, tmp_path, epochs=1)
    model.layers[0].bias.assign([np.nan, 0.0, 0.0])
    with pytest.raises(NotFiniteError, match="at step 1"):
        checkpoint.save()
    assert checkpoint.latest_step() == 2


def test_the_metrics_of_an_unfinished_epoch_come_back(tmp_path):
    model = make_model()
    checkpoint = Checkpoint(tmp_path)
    checkpoint.set_model(model)
    x = np.ones((4, 3), np.float32)
    model.train_on_batch(x, x)
    before = [keras.ops.convert_to_numpy(v.value) for v in model.metrics_variables]
    checkpoint.save(within_epoch=True)
    model.reset_metrics()
    checkpoint.on_train_begin()
    checkpoint.on_epoch_begin(0)
    after = [keras.ops.convert_to_numpy(v.value) for v in model.metrics_variables]
    np.testing.assert_array_equal(before, after)
    model.reset_metrics()
    checkpoint.on_epoch_begin(1)
    assert not any(np.any(v.numpy()) for v in model.metrics_variables)

"""Which model is kept, when a training ends early, what is written."""

import keras
import numpy as np
import pytest
from small_models import make_curves, make_model

from ddsp_tf.inference.model_files import load_model
from ddsp_tf.training.monitoring import KeepBest, LogMetrics, WatchHealth

NAN = float("nan")


@pytest.fixture
def model():
    model = make_model()
    model.compile(keras.optimizers.SGD(0.0))
    return model


def keep(model, path, validated, **options):
    """Validates a model whose one weight tells its number; returns the number of the kept one."""
    best = KeepBest(path, every=1, **options)
    best.set_model(model)
    model.stop_training = False
    for number, loss in enumerate(validated):
        model.trainable_weights[0].assign(keras.ops.full_like(model.trainable_weights[0], number))
        best.on_epoch_end(number, {"val_loss": loss})
        if model.stop_training:
            break
    kept = load_model(path).trainable_weights[0] if path.exists() else None
    return None if kept is None else int(np.ravel(kept)[0]), number


@pytest.mark.parametrize(
    ("losses", "best"),
    [
        ([3.0, 2.0, 2.5], 1),
        ([3.0, NAN, 2.5, 2.7], 2),
        ([NAN, NAN, 5.0], 2),
        ([NAN, float("inf")], None),
    ],
)
def test_the_lowest_finite_loss_is_kept(losses, best, model, tmp_path):
    assert keep(model, tmp_path / "best.keras", losses)[0] == best


def test_a_resumed_training_remembers_its_losses(model, tmp_path):
    path = tmp_path / "best.keras"
    assert keep(model, path, [2.0, 1.4], losses=[3.0, 1.5])[0] == 1
    path.unlink()
    assert keep(model, path, [2.0], losses=[3.0, 1.5])[0] is None


@pytest.mark.parametrize(
    ("losses", "last"), [([3.0, 2.0, 2.1, 2.2, 1.0], 3), ([3.0, NAN, NAN, 1.0], 2)]
)
def test_a_training_without_progress_ends(losses, last, model, tmp_path):
    assert keep(model, tmp_path / "best.keras", losses, patience=2)[1] == last
    best = KeepBest(tmp_path / "best.keras", every=1, losses=losses[: last + 1], patience=2)
    assert best.is_out_of_patience()


def test_what_is_kept_is_the_model_alone(model, tmp_path):
    curves = make_curves(1, 20)
    keep(model, tmp_path / "best.keras", [1.0])
    loaded = load_model(tmp_path / "best.keras")
    assert not loaded.compiled
    np.testing.assert_allclose(loaded(curves), model(curves), atol=1e-6)


def test_rows_have_our_names_and_resume(tmp_path):
    rows = []
    log = LogMetrics(tmp_path, ["loss", "validation_loss"], on_row=lambda *row: rows.append(row))
    log.write(2, {"loss": 3.0, "other": 1.0, "learning_rate": 0.1})
    log.write(4, {"loss": 2.0, "val_loss": 2.5})
    assert rows[1] == (4, {"loss": 2.0, "validation_loss": 2.5})
    again = LogMetrics(tmp_path, ["loss", "validation_loss"])
    again.resume(3)
    assert again.metrics.rows() == [{"step": 2, "loss": 3.0, "learning_rate": 0.1}]


def test_levels_of_all_processors_reach_the_log(model):
    curves, said, logs = make_curves(2, 20), [], {}
    del curves["noise"]
    loud = np.ones((2, 20 * 64), np.float32)
    health = WatchHealth(curves, 1e3 * loud, every=1, on_warning=said.append)
    health.set_model(model)
    health.on_epoch_end(0, logs)
    names = ("target", "harmonic", "filtered_noise", "dry", "reverb")
    assert set(logs) == {f"level_{name}_db" for name in names}
    assert logs["level_target_db"] == pytest.approx(60.0)
    assert len(said) == 1 and "fallen silent" in said[0]

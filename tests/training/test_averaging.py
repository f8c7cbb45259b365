"""The average of the weights is validated and kept, and the weights come back to the last bit."""

import keras
import numpy as np

from ddsp_tf.training.averaging import ValidateAverage, averaged_weights

X = np.ones((4, 1), np.float32)


def make_model(momentum):
    model = keras.Sequential([keras.layers.Dense(1, kernel_initializer="ones")])
    model.build((None, 1))
    optimizer = keras.optimizers.SGD(0.1, use_ema=momentum > 0.0, ema_momentum=momentum)
    model.compile(optimizer, "mse")
    return model


def test_the_average_follows_its_closed_form():
    model, average = make_model(0.7), None
    with averaged_weights(model):
        assert model.get_weights()[0] == 1.0
    for _ in range(4):
        model.train_on_batch(X, 3.0 * X)
        weights = model.get_weights()
        average = (
            weights
            if average is None
            else [0.7 * a + 0.3 * w for a, w in zip(average, weights, strict=True)]
        )
    with averaged_weights(model):
        np.testing.assert_allclose(model.get_weights()[0], average[0], rtol=1e-6)
    for ours, theirs in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_validation_looks_at_the_average():
    losses = []
    for callbacks in ([ValidateAverage()], []):
        model = make_model(0.9)
        data = {"validation_data": (X, 3.0 * X), "verbose": 0, "shuffle": False}
        history = model.fit(X, 3.0 * X, batch_size=1, epochs=1, callbacks=callbacks, **data)
        losses.append(history.history["val_loss"][0])
    # The average lags behind.
    assert losses[0] > 1.2 * losses[1]


def test_without_an_average_nothing_changes():
    model = make_model(0.0)
    model.train_on_batch(X, 3.0 * X)
    weights = model.get_weights()
    with averaged_weights(model):
        np.testing.assert_array_equal(model.get_weights()[0], weights[0])


def test_an_evaluation_leaves_the_average_intact():
    model = make_model(0.7)
    model.train_on_batch(X, 3.0 * X)
    with averaged_weights(model):
        average = model.get_weights()
        model.evaluate(X, 3.0 * X, verbose=0)
    with averaged_weights(model):
        for again, before in zip(model.get_weights(), average, strict=True):
            np.testing.assert_array_equal(again, before)
    model.train_on_batch(X, 3.0 * X)

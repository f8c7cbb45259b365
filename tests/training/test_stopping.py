"""Signals end a training with a checkpoint; handlers come back."""

import signal
import threading
from pathlib import Path

import keras
import numpy as np
import pytest

from ddsp_tf.errors import Stopped
from ddsp_tf.training.checkpoint import NotFiniteError
from ddsp_tf.training.stopping import StopOnNaN, StopOnSignal

pytestmark = pytest.mark.usefixtures("signals_arrive")
X = np.ones((8, 1), np.float32)
# Windows has no SIGHUP.
NUMBERS = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Saves:
    """A checkpoint that only notes what it is asked."""

    def __init__(self):
        self.folder, self.saved_step, self.saved = Path("run/checkpoints"), 0, []

    def save(self, *, within_epoch=False):
        self.saved_step = 7
        self.saved.append(within_epoch)


def make_model():
    model = keras.Sequential([keras.layers.Dense(1)])
    model.build((None, 1))
    model.compile("sgd", "mse")
    return model


def fit(*callbacks, epochs=2):
    options = {"batch_size": 2, "epochs": epochs, "verbose": 0, "shuffle": False}
    return make_model().fit(X, X, callbacks=list(callbacks), **options)


class At(keras.callbacks.Callback):
    """Sends a signal at one place of a training."""

    def __init__(self, number, **places):
        super().__init__()
        for place, at in places.items():
            setattr(
                self, place, lambda k, logs=None, at=at: k == at and signal.raise_signal(number)
            )


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize(
    ("places", "within"),
    [
        ({"on_train_batch_begin": 2}, True),
        ({"on_epoch_end": 0}, False),
        ({"on_epoch_begin": 1}, True),
    ],
)
def test_a_signal_ends_a_training_with_one_checkpoint(number, places, within):
    number = getattr(signal, number)
    before, saves = signal.getsignal(number), Saves()
    stopped = pytest.raises(Stopped, match="run: stopped at step 7; a checkpoint is saved")
    with stopped as error, StopOnSignal(saves) as stop:
        fit(At(number, **places), stop)
    assert saves.saved == [within]
    assert error.value.exit_code == 128 + number
    assert isinstance(error.value, KeyboardInterrupt)
    assert signal.getsignal(number) is before


def test_a_signal_after_the_last_step_stops_what_would_follow():
    with pytest.raises(Stopped, match="stopped at step 0"), StopOnSignal(Saves()):
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no SIGHUP")
def test_ignored_signals_stay_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopOnSignal(Saves()):
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_errors_of_the_training_come_through():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ZeroDivisionError), StopOnSignal(Saves()):
        signal.raise_signal(signal.SIGINT)
        _ = 1 / 0
    assert signal.getsignal(signal.SIGINT) is before


def test_other_threads_leave_the_handlers_alone():
    seen = []

    def train():
        with StopOnSignal(Saves()):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]


@pytest.mark.parametrize("together", [1, 2])
def test_a_loss_that_is_no_number_names_its_steps(together):
    model = make_model()
    model.compile("sgd", "mse", steps_per_execution=together)
    y = X.copy()
    y[6] = np.nan  # In the fourth batch of two.
    with pytest.raises(NotFiniteError) as error:
        model.fit(X, y, batch_size=2, epochs=3, verbose=0, shuffle=False, callbacks=[StopOnNaN()])
    assert error.value.steps == range(4 - together, 4)

"""Stopping a training: on request, or when its loss is no longer finite."""

import math
import signal
import threading
from types import FrameType
from typing import Self

import keras

from ddsp_tf.errors import Stopped
from ddsp_tf.training.averaging import optimizer_of, to_numpy
from ddsp_tf.training.checkpoint import Checkpoint, NotFiniteError
from ddsp_tf.training.processes import in_any, process_count

# Windows has no SIGHUP.
_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


class StopOnSignal(keras.callbacks.Callback):
    """Stops training with a checkpoint when the process is interrupted, terminated or hung up.

    Keras's callbacks stop training between epochs at best, and a signal inside a step leaves half
    the weights changed. While the `with` block runs, SIGINT (Ctrl-C, the stop button of a
    notebook), SIGTERM and SIGHUP are only recorded, however often they come; `fit` stops before the
    next step, or when validation and everything else that is due have finished. Signals that the
    process ignores, such as SIGHUP under `nohup`, stay ignored.

    Args:
        checkpoint: Callback that saves the state. `StopOnSignal` must come last in `callbacks`.

    Raises:
        Stopped: From `fit`, or from the block, after the checkpoint was saved.

    Example:
        >>> with StopOnSignal(checkpoint) as stop:  # doctest: +SKIP
        ...     model.fit(batches, callbacks=[checkpoint, stop])
    """

    def __init__(self, checkpoint: Checkpoint):
        super().__init__()
        self.checkpoint = checkpoint
        self._received: int | None = None
        self._handlers: dict = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                before = signal.getsignal(number)
                if before not in (signal.SIG_IGN, None):
                    self._handlers[number] = before
                    signal.signal(number, self._remember)
        return self

    def __exit__(self, kind, error, traceback):
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}
        if self._received is not None and kind is None:
            self._stop()

    def _remember(self, number: int, frame: FrameType | None):
        self._received = number

    def on_train_batch_begin(self, batch, logs=None):
        """Stops before a step."""
        if self._received is not None and process_count() == 1:
            if keras.backend.backend() == "jax":
                self.model.jax_state_sync()
            # With metrics even before the first step: a resumed epoch already has some.
            self.checkpoint.save(within_epoch=True)
            self._stop()

    def on_epoch_end(self, epoch, logs=None):
        """Stops after an epoch, when everything that is due is done.

        Several processes stop together, and only here, whichever of them received the signal.
        """
        if in_any(self._received is not None):
            self.checkpoint.save()
            self._stop()

    def _stop(self):
        number, self._received = self._received or signal.SIGTERM, None
        raise Stopped(
            number,
            f"{self.checkpoint.folder.parent}: stopped at step {self.checkpoint.saved_step}; a "
            "checkpoint is saved; the same command resumes it",
        )


class StopOnNaN(keras.callbacks.Callback):
    """Stops training when the loss is no longer finite.

    `keras.callbacks.TerminateOnNaN` waits for the device after every step, and does not report the
    step. This callback reads the losses in Keras's own thread for callbacks.

    Raises:
        NotFiniteError: From `fit`.

    Example:
        >>> callbacks = [StopOnNaN()]
    """

    async_safe = True

    def __init__(self):
        super().__init__()
        self._first_step, self._found = 0, math.inf

    def on_epoch_begin(self, epoch, logs=None):
        """Records the step at which the epoch begins."""
        self._first_step, self._found = int(to_numpy(optimizer_of(self.model).iterations)), math.inf

    def on_train_batch_end(self, batch, logs=None):
        """Checks the mean loss of the epoch so far."""
        if not math.isfinite((logs or {}).get("loss", 0.0)):
            self._found = min(self._found, batch)

    def on_train_batch_begin(self, batch, logs=None):
        """Stops before the next step."""
        self._check()

    def on_epoch_end(self, epoch, logs=None):
        """Stops at the end of an epoch."""
        self._check()

    def _check(self):
        if math.isfinite(self._found):
            last = self._first_step + int(self._found)
            size = self.model.steps_per_execution
            raise NotFiniteError(range(max(last - size + 1, self._first_step), last + 1))

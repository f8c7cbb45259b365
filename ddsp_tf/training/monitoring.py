"""Callbacks that write metrics, the best model and renders, and warn about failures."""

import math
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from ddsp_tf.audio.writing import write_audio
from ddsp_tf.backend.compilation import compiled
from ddsp_tf.backend.division import undivided
from ddsp_tf.files.metrics_log import MetricsLog
from ddsp_tf.inference.model_files import save_model
from ddsp_tf.inference.rendering import render_stems, white_noise
from ddsp_tf.training.averaging import averaged_weights, optimizer_of, to_numpy
from ddsp_tf.training.health import Health, level_db


class _EveryFewSteps(keras.callbacks.Callback):
    """A callback that acts at the end of some epochs.

    Args:
        every: Number of steps between actions; 0 for never.
        last_step: Step at which the action is also due.
    """

    def __init__(self, every: int, last_step: int = 0):
        super().__init__()
        self.every, self.last_step = every, last_step

    @property
    def step(self) -> int:
        """Number of steps done."""
        return int(to_numpy(optimizer_of(self.model).iterations))

    def is_due(self) -> bool:
        """Tells whether the action is due now."""
        step = self.step
        return bool(self.every) and (step % self.every == 0 or step == self.last_step)


class LogMetrics(keras.callbacks.Callback):
    """Writes the metrics of every epoch to `metrics.csv`, `timing.csv` and TensorBoard.

    `keras.callbacks.CSVLogger` fixes its columns in the first epoch, which may have no validation,
    and keeps rows of steps that are repeated after resuming; `keras.callbacks.TensorBoard` counts
    epochs.

    Args:
        folder: Folder of the tables.
        columns: Columns of `metrics.csv` besides "step" and "learning_rate": names of losses and
            metrics, with the prefix "validation_" for those of validation.
        writer: Summary writer of TensorBoard, from `tf.summary.create_file_writer`, if any.
        on_row: Function called as `on_row(step, numbers)` after each row.

    Example:
        >>> log = LogMetrics("my_run/logs", ["loss", "validation_loss"])  # doctest: +SKIP
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        columns: Sequence[str],
        writer=None,
        on_row: Callable[[int, dict], None] | None = None,
    ):
        super().__init__()
        self.metrics = MetricsLog(Path(folder, "metrics.csv"), ["learning_rate", *columns])
        self.timing = MetricsLog(Path(folder, "timing.csv"), ["seconds", "seconds_per_step"])
        self.writer, self.on_row = writer, on_row

    def resume(self, step: int) -> None:
        """Removes the rows of later steps, which will be repeated.

        Args:
            step: Step from which the training resumes.
        """
        for log in (self.metrics, self.timing):
            log.forget_after(step if step else -1)

    @property
    def seconds(self) -> float:
        """Seconds of training so far, including those before interruptions."""
        return float(self.timing.column("seconds")[1].max(initial=0.0))

    def on_epoch_begin(self, epoch, logs=None):
        """Records the time."""
        self._started = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        """Writes the metrics of an epoch."""
        step, seconds = int(to_numpy(optimizer_of(self.model).iterations)), self.seconds
        elapsed = time.monotonic() - self._started
        row = {"seconds": seconds + elapsed, "seconds_per_step": elapsed / self.params["steps"]}
        self.timing.append({"step": step, **{name: round(v, 6) for name, v in row.items()}})
        rate = float(to_numpy(optimizer_of(self.model).learning_rate))
        self.write(step, {**(logs or {}), "learning_rate": rate})

    def write(self, step: int, logs: Mapping[str, float]) -> None:
        """Writes one row.

        Args:
            step: Number of steps done.
            logs: Metrics by Keras's names; those without a column are omitted.
        """
        numbers = {re.sub("^val_", "validation_", name): float(v) for name, v in logs.items()}
        row = {name: value for name, value in numbers.items() if name in self.metrics.columns}
        self.metrics.append({"step": step, **row})
        if self.writer is not None:
            import tensorflow as tf

            with self.writer.as_default(step=step):
                for name, value in row.items():
                    group = "" if name.startswith("validation_") else "training/"
                    tf.summary.scalar(group + name.replace("validation_", "validation/"), value)
            self.writer.flush()
        if self.on_row:
            self.on_row(step, row)


class KeepBest(_EveryFewSteps):
    """Saves the model with the lowest validation loss, and ends a training that stops improving.

    `keras.callbacks.ModelCheckpoint` and `EarlyStopping` forget the best loss when a training
    resumes, save the optimizer with the model, and write the file in place. Losses that are not
    finite are ignored. Without validation the last model is kept.

    Args:
        path: Path of the `.keras` file.
        every: Number of steps between validations.
        last_step: Last step of the training.
        losses: Validation losses so far, for a training that resumes.
        patience: Number of validations without a new lowest loss after which training ends; 0 for
            never.
        before_saving: Function called before the model is saved.

    Example:
        >>> callbacks = [KeepBest("best.keras", every=1000)]
    """

    def __init__(
        self,
        path: str | os.PathLike,
        every: int,
        last_step: int = 0,
        losses: Sequence[float] = (),
        patience: int = 0,
        before_saving: Callable[[], None] | None = None,
    ):
        super().__init__(every, last_step)
        self.path, self.patience, self.losses = Path(path), patience, list(losses)
        self.before_saving = before_saving
        self._plain: keras.Model | None = None

    def on_epoch_end(self, epoch, logs=None):
        """Saves the model if it is the best so far."""
        if "val_loss" in (logs or {}):
            self.consider(logs["val_loss"])
            self.model.stop_training |= self.is_out_of_patience()
        elif not self.losses and self.is_due():
            self._save()

    def consider(self, loss: float) -> None:
        """Saves the model if its validation loss is the lowest so far."""
        if math.isfinite(loss) and loss < min(filter(math.isfinite, self.losses), default=math.inf):
            self._save()
        self.losses.append(loss)

    def is_out_of_patience(self) -> bool:
        """Tells whether the training should end."""
        losses = [loss if math.isfinite(loss) else math.inf for loss in self.losses]
        if not self.patience or not losses:
            return False
        return len(losses) - 1 - losses.index(min(losses)) >= self.patience

    def _save(self):
        # A copy that was never compiled has no optimizer and metrics.
        if self._plain is None:
            with undivided():
                self._plain = type(self.model).from_config(self.model.get_config())
        with averaged_weights(self.model):
            if self.before_saving:
                self.before_saving()
            for copy, weight in zip(self._plain.weights, self.model.weights, strict=True):
                copy.assign(to_numpy(weight))
        save_model(self._plain, self.path)


class RenderClips(_EveryFewSteps):
    """Renders clips and their stems to WAV files and TensorBoard.

    Args:
        folder: Folder in which `step_000000/clip_0/*.wav` are written.
        features: Features of the clips by name, [clips, frames] arrays.
        audio: Recordings of the clips, [clips, samples].
        every: Number of steps between renders; 0 for never.
        last_step: Last step of the training.
        writer: Summary writer of TensorBoard, if any.

    Example:
        >>> features = {"f0_hz": np.full((1, 100), 440.0), "loudness_db": np.zeros((1, 100))}
        >>> callbacks = [RenderClips("renders", features, np.zeros((1, 16000)), every=5000)]
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        features: Mapping[str, np.ndarray],
        audio: np.ndarray,
        every: int,
        last_step: int = 0,
        writer=None,
    ):
        super().__init__(every, last_step)
        self.folder, self.features, self.audio, self.writer = Path(folder), features, audio, writer

    def on_epoch_end(self, epoch, logs=None):
        """Renders the clips if they are due."""
        if not self.is_due():
            return
        with averaged_weights(self.model):
            stems = {"target": self.audio, **render_stems(self.model, self.features)}
        for name, clips in stems.items():
            for index, clip in enumerate(clips):
                path = self.folder / f"step_{self.step:06d}" / f"clip_{index}" / f"{name}.wav"
                write_audio(path, clip, self.model.sample_rate)
        if self.writer is not None:
            self._summarize(stems)

    def _summarize(self, stems):
        import tensorflow as tf

        from ddsp_tf.evaluation.figures import spectrogram_png

        rate = self.model.sample_rate
        with self.writer.as_default(step=self.step):
            for name, clips in stems.items():
                for index, clip in enumerate(clips):
                    picture = tf.io.decode_png(spectrogram_png(clip, rate), channels=3)
                    tf.summary.image(f"clip_{index}/{name}", picture[None])
                sounds = np.clip(clips, -1, 1)[:, :, None]
                tf.summary.audio(name, sounds, rate, max_outputs=len(clips))


class WatchHealth(_EveryFewSteps):
    """Measures the levels of the stems of some clips, and warns if one falls silent.

    It adds "level_target_db" and "level_<processor>_db" to the logs of the epoch: put this callback
    before `LogMetrics`.

    Args:
        features: Features of the clips by name, [clips, frames] arrays.
        audio: Recordings of the clips, [clips, samples].
        every: Number of steps between measurements.
        last_step: Last step of the training.
        after_step: First step at which to warn: earlier levels depend mostly on the initial
            weights.
        on_warning: Function called with a sentence about each failure.

    Example:
        >>> features = {"f0_hz": np.full((1, 100), 440.0), "loudness_db": np.zeros((1, 100))}
        >>> callbacks = [WatchHealth(features, np.zeros((1, 16000)), every=1000)]
    """

    def __init__(
        self,
        features: Mapping[str, np.ndarray],
        audio: np.ndarray,
        every: int,
        last_step: int = 0,
        after_step: int = 0,
        on_warning: Callable[[str], None] = print,
    ):
        super().__init__(every, last_step)
        self.features, self.audio = features, audio
        self.after_step, self.on_warning = after_step, on_warning
        self._health: Health | None = None

    def on_epoch_end(self, epoch, logs=None):
        """Measures the levels if they are due."""
        if not self.is_due():
            return
        if self._health is None:
            self._health = Health.of(self.model, self.after_step)
        noise = white_noise(self.audio.shape, seed=0)
        with averaged_weights(self.model):
            signals, _ = compiled(self.model.render)({**self.features, "noise": noise})
        signals = {"target": self.audio, **signals}
        levels = {f"level_{name}_db": level_db(np.asarray(v)) for name, v in signals.items()}
        if logs is not None:
            logs.update(levels)
        for text in self._health.examine(self.step, levels):
            self.on_warning(text)

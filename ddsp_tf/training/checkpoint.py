"""Checkpoints, from which training resumes exactly."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from ddsp_tf.errors import UserError
from ddsp_tf.files.atomic import atomic_path
from ddsp_tf.training.averaging import optimizer_of, to_numpy
from ddsp_tf.training.variable_names import named_variables

_NAME = re.compile(r"step_(\d+)\.npz")
_RECORD = "record"


class NotFiniteError(ArithmeticError):
    """The loss or the weights are no longer finite numbers.

    Args:
        steps: Range of steps that contains the first step with such numbers.
    """

    def __init__(self, steps: range):
        first, last = steps[0], steps[-1]
        where = f"step {first}" if first == last else f"steps {first} to {last}"
        super().__init__(f"the loss is no longer a finite number at {where}")
        self.steps = steps


class Checkpoint(keras.callbacks.Callback):
    """Saves the whole state of training, and resumes from the newest checkpoint.

    `keras.callbacks.BackupAndRestore` resumes only at the beginning of an epoch and overwrites its
    only file in place, so a kill at that moment leaves none. Here a checkpoint is a new file,
    complete or absent, with the weights, the optimizer, the states of random generators and, within
    an epoch, the metrics so far. It is written at the end of an epoch: put this callback after
    those that must be finished for the step to count as done.

    `fit` does not know the number of steps done before: pass it `initial_epoch`, and batches that
    begin at `latest_step()`.

    Args:
        folder: Folder of the checkpoints, which need not exist.
        every: Number of steps between checkpoints; the end of `fit` adds one.
        keep: Number of checkpoints to keep.
        on_warning: Function called with a sentence about every damaged checkpoint that is skipped.

    Example:
        >>> checkpoint = Checkpoint("my_run/checkpoints", every=1000)
        >>> checkpoint.latest_step()
        0
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        every: int = 1000,
        keep: int = 3,
        on_warning: Callable[[str], None] | None = None,
    ):
        super().__init__()
        self.folder, self.every, self.keep = Path(folder), every, keep
        self.on_warning = on_warning or (lambda text: None)
        self.saved_step = 0
        self._latest: tuple[int, dict[str, np.ndarray], dict] | None = None
        self._warned: set[Path] = set()
        self._metrics: dict[str, np.ndarray] = {}

    def paths(self) -> list[Path]:
        """Returns the complete checkpoints, oldest first."""
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if _NAME.fullmatch(path.name))

    def latest_step(self) -> int:
        """Returns the step from which the next `fit` resumes; 0 if there is no checkpoint."""
        self._latest = self._read()
        return self._latest[0] if self._latest else 0

    def on_train_begin(self, logs=None):
        """Restores the newest checkpoint."""
        # Otherwise the training step would be traced twice, the first time to find its variables.
        build(self.model)
        latest, self._latest = self._latest or self._read(), None
        if latest:
            self._restore(*latest)

    def on_epoch_begin(self, epoch, logs=None):
        """Restores the metrics of an epoch that was interrupted."""
        for variable, name in named_variables("metrics", self.model.metrics_variables):
            if name in self._metrics:
                variable.assign(self._metrics[name])
        self._metrics = {}

    def on_epoch_end(self, epoch, logs=None):
        """Saves a checkpoint if one is due."""
        last = epoch + 1 >= self.params["epochs"] or self.model.stop_training
        if last or self._step() % self.every == 0:
            self.save()

    def save(self, *, within_epoch: bool = False) -> Path:
        """Saves the current state.

        Args:
            within_epoch: Whether the epoch is unfinished, so that its metrics are needed.

        Returns:
            The new file.

        Raises:
            NotFiniteError: If a weight is no longer a finite number; nothing is saved.
            UserError: If the file cannot be written.
        """
        step, arrays = self._step(), {}
        for group in ("model", "optimizer", *(("metrics",) if within_epoch else ())):
            for variable, name in self._variables(group):
                arrays[name] = to_numpy(variable)
        numbers = (array for array in arrays.values() if array.dtype.kind == "f")
        if not all(np.isfinite(array).all() for array in numbers):
            raise NotFiniteError(range(max(step - 1, 0), max(step, 1)))
        path = self.folder / f"step_{step:08d}.npz"
        content: dict = {**arrays, _RECORD: np.array(json.dumps({"names": sorted(arrays)}))}
        with atomic_path(path) as temporary:
            np.savez(temporary, **content)
        for old in self.paths()[: -self.keep]:
            old.unlink()
        self.saved_step = step
        return path

    def _step(self) -> int:
        return int(to_numpy(optimizer_of(self.model).iterations))

    def _read(self):
        for path in reversed(self.paths()):
            try:
                with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
                    arrays = dict(content)
                record = json.loads(str(arrays.pop(_RECORD)))
                if record["names"] != sorted(arrays):
                    raise ValueError("other arrays than were saved")
            except Exception as error:  # A damaged file can fail in many ways.
                if path not in self._warned:
                    self.on_warning(f"{path}: damaged ({_first_line(error)}); an older one is used")
                self._warned.add(path)
                continue
            return int(_NAME.fullmatch(path.name)[1]), arrays, record
        return None

    def _restore(self, step, arrays, record):
        wanted = {
            name: variable
            for group in ("model", "optimizer")
            for variable, name in self._variables(group)
        }
        found = {name: array.shape for name, array in arrays.items() if name[:8] != "metrics/"}
        if found != {name: tuple(variable.shape) for name, variable in wanted.items()}:
            raise UserError(
                f"{self.folder}: checkpoint of step {step} belongs to another model or optimizer; "
                "name a new folder"
            )
        for name, variable in wanted.items():
            variable.assign(arrays[name])
        self._metrics = {name: arrays[name] for name in arrays if name[:8] == "metrics/"}
        self.saved_step = step

    def _variables(self, group: str):
        model = self.model
        if group == "model":
            metrics = {id(variable) for variable in model.metrics_variables}
            return named_variables(group, (v for v in model.variables if id(v) not in metrics))
        if group == "metrics":
            return named_variables(group, model.metrics_variables)
        # Their names contain those of the weights, with underscores.
        names = {
            variable.path.replace("/", "_"): name.replace("/", "_")
            for variable, name in named_variables("model", model.trainable_variables)
        }
        return named_variables(group, model.optimizer.variables, names)


def build(model: keras.Model) -> None:
    """Creates all variables of a compiled model and its optimizer."""
    if not model.built:
        model.build()
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__

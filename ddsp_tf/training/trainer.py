"""The training loop."""

import csv
import time
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from ddsp_tf.configuration.experiment import Experiment
from ddsp_tf.data.manifest import Manifest
from ddsp_tf.data.pipeline import training_batches, training_sources
from ddsp_tf.errors import UserError
from ddsp_tf.files.atomic import atomic_path
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.inference.model_files import save_model
from ddsp_tf.training.checkpoints import Checkpoints
from ddsp_tf.training.health import Health
from ddsp_tf.training.metrics_log import MetricsLog
from ddsp_tf.training.objective import Objective
from ddsp_tf.training.step import TrainingStep, make_optimizer
from ddsp_tf.training.validation import Validation


class Trainer:
    """Trains an experiment's model on datasets, in a run directory.

    Step number s sees the same clips, noise and learning rate however often the run was
    interrupted before it.

    Args:
        experiment: Model, loss and settings.
        manifests: The datasets.
        run: The run directory, opened.
        seed: Seed of clip order and noise.
        weights: Shares of the datasets, see `training_batches`.
        devices: Over how many devices a batch is divided.
        on_step: Called as `on_step(step, numbers)` after each row of metrics, numbers being a
            dictionary with "loss" or "validation_loss" and the like.
        on_warning: Called with one sentence when the run goes wrong in a way that does not stop
            it.

    Raises:
        UserError: If a dataset does not fit the model, or there are fewer devices.
    """

    def __init__(
        self,
        experiment: Experiment,
        manifests: Sequence[Manifest],
        run: RunDirectory,
        seed: int = 0,
        *,
        weights: Sequence[float] | None = None,
        devices: int = 1,
        on_step: Callable[[int, dict], None] | None = None,
        on_warning: Callable[[str], None] | None = None,
    ):
        model, settings = experiment.model, experiment.training
        for manifest in manifests:
            manifest.check_rates(model.sample_rate, model.frame_rate)
            _check_loudness(model, manifest)
        if settings.batch_size % devices:
            raise UserError(
                f"train.batch_size={settings.batch_size}: cannot be divided over {devices} devices"
            )
        self.model, self.loss, self.settings = model, experiment.loss, settings
        self.run, self.manifests, self.seed = run, list(manifests), seed
        self.weights = weights
        self.on_step = on_step or (lambda step, numbers: None)
        self.on_warning = on_warning or (lambda text: None)
        self.clip_frames = max(round(settings.clip_seconds * model.frame_rate), 1)
        if not model.built:
            model.build()
        self.objective = Objective(model, experiment.loss, settings.pitch_jitter)
        optimizer = make_optimizer(settings)
        try:
            self.training_step = TrainingStep(
                self.objective, optimizer, settings.gradient_norm, seed, devices
            )
        except ValueError as error:
            raise UserError(f"devices={devices}: {error}") from error
        self.checkpoints = Checkpoints(run.checkpoints, settings.keep_checkpoints)
        self.health = Health(
            _synthesizers(model.processor_group),
            self.objective.nodes[-1],
            after_step=settings.warm_up_steps,
        )
        self.step, self.seconds, self.pending = 0, 0.0, []

    def train(self) -> dict[str, float]:
        """Trains from the last checkpoint, or from the start, to the last step.

        Returns:
            "step", "seconds", and "first_validation_loss", "validation_loss" and
            "best_validation_loss" if there is a validation split.

        Raises:
            UserError: If the loss is no longer a number.
            KeyboardInterrupt: After a checkpoint, if the user stops the run.
        """
        self._restore()
        self.log = MetricsLog(self.run.metrics, self._columns())
        self.timing = MetricsLog(
            self.run.timing, ["seconds", "seconds_per_step", "input_seconds_per_step"]
        )
        for log in (self.log, self.timing):
            log.forget_after(self.step if self.step else -1)
        self.writer = tf.summary.create_file_writer(str(self.run.logs))
        self.validation = Validation(
            self.model, self.loss, self.manifests, self.clip_frames, self.settings
        )
        if self.step == 0:
            self._validate()
        elif self._out_of_patience():
            self.writer.close()
            return self._summary()
        batches = training_batches(
            self.manifests,
            **self._choice(),
            first_step=self.step,
            gain_db=self.settings.gain_db,
            features=self.model.feature_names,
        )
        try:
            self._loop(iter(batches))
        except KeyboardInterrupt:
            # The step that was interrupted may have changed the weights already.
            self.step = self.training_step.steps_done()
            self._save_checkpoint()
            raise
        finally:
            self.writer.close()
        return self._summary()

    def _choice(self):
        return {
            "clip_frames": self.clip_frames,
            "batch_size": self.settings.batch_size,
            "seed": self.seed,
            "weights": self.weights,
            "varispeed": self.settings.varispeed,
        }

    def _columns(self):
        kinds = ("loss", *self.loss.kinds)
        validation = [f"validation_{kind}" for kind in kinds]
        return ["learning_rate", "gradient_norm", *self.objective.names, *validation]

    def _restore(self):
        latest = self.checkpoints.latest()
        if latest is None:
            return
        step, arrays, record = latest
        try:
            self.training_step.restore(arrays)
        except ValueError as error:
            raise UserError(f"{self.run.checkpoints}: {error}; name a new folder") from error
        self.step, self.seconds, self.pending = step, record["seconds"], record["pending"]

    def _save_checkpoint(self):
        self.pending = [self._floats(numbers) for numbers in self.pending]
        record = {"seconds": self.seconds, "pending": self.pending}
        self.checkpoints.save(self.step, self.training_step.arrays(), record)

    def _loop(self, batches):
        settings = self.settings
        steps, waited, started = 0, 0.0, time.monotonic()
        while self.step < settings.steps:
            asked = time.monotonic()
            features, audio = next(batches)
            waited += time.monotonic() - asked
            steps += 1
            numbers = self.training_step.run({**features, "audio": audio}, self.step)
            self.pending.append(numbers)
            self.step += 1
            due = {
                name: self.step % every == 0 or self.step == settings.steps
                for name, every in (
                    ("log", settings.log_every),
                    ("checkpoint", settings.checkpoint_every),
                    ("validate", settings.validate_every),
                    ("render", settings.render_every),
                )
            }
            if not any(due.values()):
                continue
            self._log_training()
            self._log_timing(steps, time.monotonic() - started, waited)
            stop = due["validate"] and self._validate()
            if due["render"] and settings.render_clips:
                with self.training_step.weights_to_keep():
                    self.validation.render(self.run.renders, self.step, self.writer)
            if due["checkpoint"] or stop:
                self._save_checkpoint()
            if stop:
                break
            steps, waited, started = 0, 0.0, time.monotonic()

    def _log_training(self):
        rows = [self._floats(numbers) for numbers in self.pending]
        self._check_finite(rows)
        numbers = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
        numbers["learning_rate"] = rows[-1]["learning_rate"]
        self.pending = []
        self._append(numbers, "training/")
        for text in self.health.examine(self.step, numbers):
            self.on_warning(text)

    def _floats(self, numbers) -> dict[str, float]:
        if isinstance(numbers, dict):  # From before a checkpoint.
            return numbers
        values = keras.ops.convert_to_numpy(numbers).tolist()
        return dict(zip(self.training_step.names, values, strict=True))

    def _check_finite(self, rows):
        for number, row in enumerate(rows):
            if np.isfinite(row["loss"]) and np.isfinite(row["gradient_norm"]):
                continue
            step = self.step - len(rows) + number
            paths = self.checkpoints.paths()
            names = training_sources(self.manifests, step, **self._choice())
            raise UserError(
                f"{self.run.path}: the loss is no longer a number at step {step} (files "
                f"{', '.join(names)}); last good checkpoint: {paths[-1] if paths else 'none'}; "
                "try a smaller train.learning_rate"
            )

    def _log_timing(self, steps, elapsed, waited):
        self.seconds += elapsed
        per_step = {"seconds_per_step": elapsed / steps, "input_seconds_per_step": waited / steps}
        row = {"seconds": self.seconds, **per_step}
        self.timing.append({"step": self.step, **{k: round(v, 6) for k, v in row.items()}})

    def _validate(self) -> bool:
        """Measures, keeps the best model; returns whether the run should end early."""
        with self.training_step.weights_to_keep():
            numbers, files = self.validation.measure()
            last = self.step >= self.settings.steps
            if last:
                files = self.validation.measure_training_files() + files
            best = self.log.column("validation_loss")[1].min(initial=np.inf)
            if numbers:
                self._append(numbers, "")
            # Without held-out clips the last model is the one to keep.
            if not numbers or numbers["validation_loss"] < best:
                self.validation.keep_mean_z()
                save_model(self.model, self.run.best_model)
        if files:
            self._write_files(files)
        return self._out_of_patience()

    def _out_of_patience(self) -> bool:
        losses = self.log.column("validation_loss")[1]
        patience = self.settings.early_stop_validations
        if not patience or not len(losses):
            return False
        return len(losses) - 1 - int(np.argmin(losses)) >= patience

    def _append(self, numbers, prefix):
        self.log.append({"step": self.step, **numbers})
        with self.writer.as_default(step=self.step):
            for name, value in numbers.items():
                tag = f"{prefix}{name}" if prefix else name.replace("_", "/", 1)
                tf.summary.scalar(tag, value)
        self.on_step(self.step, numbers)

    def _write_files(self, files):
        with (
            atomic_path(self.run.files) as temporary,
            temporary.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, ["step", *files[0]])
            writer.writeheader()
            writer.writerows({"step": self.step, **row} for row in files)

    def _summary(self):
        values = self.log.column("validation_loss")[1]
        summary = {"step": self.step, "seconds": round(self.seconds, 3)}
        if len(values):
            summary["first_validation_loss"] = float(values[0])
            summary["validation_loss"] = float(values[-1])
            summary["best_validation_loss"] = float(values.min())
        return summary


def _check_loudness(model, manifest):
    """Refuses a dataset whose loudness has another reference than the model's matching."""
    if model.level_matching is None or model.level_name != "loudness_db":
        return
    theirs = manifest.extractor["loudness_fft_size"]
    if theirs != model.level_matching.loudness_fft_size:
        raise UserError(
            f"{manifest.folder}: loudness_fft_size of the dataset is {theirs} but that of "
            f"LevelMatching is {model.level_matching.loudness_fft_size}; prepare the dataset again "
            "or change the model"
        )


def _synthesizers(group) -> list[str]:
    """Names of the nodes that take no other node's signal."""
    nodes = {processor.name for processor in group.processors}
    pairs = zip(group.processors, group.connections, strict=True)
    return [processor.name for processor, inputs in pairs if not nodes & set(inputs)]

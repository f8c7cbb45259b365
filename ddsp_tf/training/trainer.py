"""The training loop."""

import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from ddsp_tf.configuration import Experiment
from ddsp_tf.data.atomic import atomic_path
from ddsp_tf.data.manifest import Manifest
from ddsp_tf.data.pipeline import training_batches
from ddsp_tf.errors import UserError
from ddsp_tf.training.metrics_log import MetricsLog
from ddsp_tf.training.run_directory import RunDirectory
from ddsp_tf.training.schedules import WarmUpExponentialDecay
from ddsp_tf.training.validation import Validation


def compile_on_gpu(function: Callable) -> Callable:
    """Compiles a function with XLA where there is a GPU.

    Only what is around a GRU may be compiled: under XLA the GRU itself loses its fused kernel.
    On a CPU, TensorFlow's own kernels are as fast and start at once.

    Args:
        function: Takes and returns tensors.

    Returns:
        The function, compiled or as it was.

    Example:
        >>> float(compile_on_gpu(lambda x: x + 1.0)(tf.constant(1.0)))
        2.0
    """
    if tf.config.list_physical_devices("GPU"):
        return tf.function(function, jit_compile=True)
    return function


class Trainer:
    """Trains an experiment's model on a dataset, in a run directory.

    Step number s sees the same clips, noise and learning rate however often the run was
    interrupted before it.

    Args:
        experiment: Model, loss and settings.
        manifest: The dataset.
        run: The run directory, opened.
        seed: Seed of clip order and noise.
        on_step: Called as `on_step(step, numbers)` after each row of training metrics, numbers
            being a dictionary with "loss" and the like.

    Raises:
        UserError: If the dataset does not fit the model.
    """

    def __init__(
        self,
        experiment: Experiment,
        manifest: Manifest,
        run: RunDirectory,
        seed: int = 0,
        on_step: Callable[[int, dict], None] | None = None,
    ):
        model, settings = experiment.model, experiment.training
        manifest.check_rates(model.sample_rate, model.frame_rate)
        self.model, self.loss, self.settings = model, experiment.loss, settings
        self.run, self.manifest, self.seed = run, manifest, seed
        self.on_step = on_step or (lambda step, numbers: None)
        self.clip_frames = max(round(settings.clip_seconds * model.frame_rate), 1)
        if not model.built:
            model.build()
        self.optimizer = keras.optimizers.Adam(
            WarmUpExponentialDecay(
                settings.learning_rate,
                settings.warm_up_steps,
                settings.decay_rate,
                settings.decay_steps,
            )
        )
        self.optimizer.build(model.trainable_variables)
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.seconds = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        self.checkpoints = tf.train.CheckpointManager(
            tf.train.Checkpoint(
                model=model, optimizer=self.optimizer, step=self.step, seconds=self.seconds
            ),
            str(run.checkpoints),
            max_to_keep=settings.keep_checkpoints,
        )
        self._audio_terms = compile_on_gpu(self._audio_terms)

    def train(self) -> dict[str, float]:
        """Trains from the last checkpoint, or from the start, to the last step.

        Returns:
            "step", and the last "validation_loss" and "best_validation_loss" if there is a
            validation split.

        Raises:
            UserError: If the loss is no longer a number.
            KeyboardInterrupt: After a checkpoint, if the user stops the run.
        """
        self.checkpoints.restore_or_initialize()
        step = int(self.step)
        self.log = MetricsLog(self.run.metrics)
        self.log.forget_after(step if step else -1)
        self.writer = tf.summary.create_file_writer(str(self.run.logs))
        self.validation = Validation(
            self.model, self.loss, self.manifest, self.clip_frames, self.settings
        )
        if step == 0:
            self._validate(0)
        batches = training_batches(
            self.manifest,
            clip_frames=self.clip_frames,
            batch_size=self.settings.batch_size,
            seed=self.seed,
            first_step=step,
        )
        try:
            self._loop(iter(batches), step)
        except KeyboardInterrupt:
            self.checkpoints.save(int(self.step))
            raise
        finally:
            self.writer.close()
        return self._summary()

    def _loop(self, batches, step: int):
        settings, pending = self.settings, []
        started = time.monotonic()
        while step < settings.steps:
            pending.append(self._train_step(next(batches)))
            step += 1
            last = step == settings.steps
            checkpoint = step % settings.checkpoint_every == 0 or last
            validate = step % settings.validate_every == 0 or last
            render = settings.render_clips and (step % settings.render_every == 0 or last)
            if step % settings.log_every == 0 or checkpoint or validate:
                pending = self._log_training(step, pending, started)
                started = time.monotonic()
            if validate:
                self._validate(step)
            if render:
                self.validation.render(self.run.renders, step, self.writer)
            if checkpoint:
                self.checkpoints.save(step)
            if validate or render or checkpoint:
                started = time.monotonic()

    def _audio_terms(self, inputs, target):
        audio = self.model.processor_group(inputs)
        terms = self.loss.terms(target, audio)
        means = {name: tf.reduce_mean(value) for name, value in terms.items()}
        kinds = ("magnitude", "log_magnitude")
        return {
            kind: sum(value for name, value in means.items() if name.rpartition("_")[0] == kind)
            for kind in kinds
        }

    @tf.function(reduce_retracing=True)
    def _train_step(self, batch):
        step = self.step.read_value()
        noise = tf.random.stateless_uniform(
            tf.shape(batch["audio"]),
            seed=tf.stack([tf.constant(self.seed, tf.int64), step]),
            minval=-1.0,
            maxval=1.0,
        )
        variables = self.model.trainable_variables
        with tf.GradientTape() as tape:
            inputs, _ = self.model.decode({**batch, "noise": noise})
            terms = self._audio_terms(inputs, batch["audio"])
            loss = terms["magnitude"] + terms["log_magnitude"]
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        gradients, norm = tf.clip_by_global_norm(gradients, self.settings.gradient_norm)
        rate = tf.convert_to_tensor(self.optimizer.learning_rate)
        self.optimizer.apply(gradients, variables)
        # In the graph, so that weights and step agree wherever Ctrl-C comes between.
        self.step.assign_add(1)
        return {"loss": loss, **terms, "gradient_norm": norm, "learning_rate": rate}

    def _log_training(self, step, pending, started):
        if not pending:
            return []
        numbers = {
            name: float(np.mean([float(values[name]) for values in pending])) for name in pending[0]
        }
        numbers["learning_rate"] = float(pending[-1]["learning_rate"])
        if not np.isfinite(numbers["loss"]):
            saved = self.checkpoints.latest_checkpoint or "none"
            raise UserError(
                f"{self.run.path}: the loss is no longer a number between steps "
                f"{step - len(pending)} and {step}; last good checkpoint: {saved}; "
                "try a smaller train.learning_rate"
            )
        elapsed = time.monotonic() - started
        self.seconds.assign_add(elapsed)
        self.log.append({"step": step, "seconds": round(float(self.seconds), 3), **numbers})
        with self.writer.as_default(step=step):
            for name, value in numbers.items():
                tf.summary.scalar(f"training/{name}", value)
        self.on_step(step, {**numbers, "seconds_per_step": elapsed / len(pending)})
        return []

    def _validate(self, step):
        numbers = self.validation.measure()
        best = self.log.column("validation_loss")[1].min(initial=np.inf)
        if numbers:
            self.log.append({"step": step, **numbers})
            with self.writer.as_default(step=step):
                for name, value in numbers.items():
                    tf.summary.scalar(name.replace("_", "/", 1), value)
            self.on_step(step, numbers)
        # Without held-out clips the last model is the one to keep.
        if not numbers or numbers["validation_loss"] < best:
            with atomic_path(self.run.best_model) as temporary:
                self.model.save(temporary)

    def _summary(self):
        values = self.log.column("validation_loss")[1]
        summary = {"step": int(self.step), "seconds": float(self.seconds)}
        if len(values):
            summary["first_validation_loss"] = float(values[0])
            summary["validation_loss"] = float(values[-1])
            summary["best_validation_loss"] = float(values.min())
        return summary

"""A run: a compiled model, its data and callbacks, and the messages of its failures."""

import contextlib
import functools
import importlib.util
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ddsp_tf.configuration.experiment import Experiment
from ddsp_tf.data.manifest import Manifest, load_manifest
from ddsp_tf.data.pipeline import training_batches, training_sources
from ddsp_tf.errors import UserError
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.metrics.loss_terms import LossTerms
from ddsp_tf.models.ensemble import mixture_weights
from ddsp_tf.training.averaging import ValidateAverage, averaged_weights
from ddsp_tf.training.checkpoint import Checkpoint, NotFiniteError, build
from ddsp_tf.training.devices import divided_batches, memory_of_gpus, steps_at_a_time
from ddsp_tf.training.monitoring import KeepBest, LogMetrics, RenderClips, WatchHealth
from ddsp_tf.training.optimizer import make_optimizer
from ddsp_tf.training.replicas import compile_replicas
from ddsp_tf.training.stopping import StopOnNaN, StopOnSignal
from ddsp_tf.training.validation import ValidationClips


class Fitting:
    """Trains a model in a run directory, from the last checkpoint to the last step.

    Args:
        experiment: Model, loss and settings.
        manifests: Datasets to train on.
        run: Run directory, which need not exist yet.
        seed: Seed of the clips.
        weights: Shares of the datasets.
        names: Name of each dataset's instrument, if the model has instruments.
        on_step: Function called as `on_step(step, steps, numbers)` after each row of metrics.
        on_warning: Function called with a sentence about a problem that does not stop the run.
    """

    def __init__(
        self,
        experiment: Experiment,
        manifests: Sequence[Manifest],
        run: RunDirectory,
        seed: int,
        weights: Sequence[float] | None,
        names: Sequence[str],
        on_step: Callable[[int, int, dict], None] | None,
        on_warning: Callable[[str], None] | None,
    ):
        self.model, self.loss = experiment.model, experiment.loss
        self.settings, self.manifests, self.run = experiment.training, manifests, run
        self.on_step, self.on_warning = on_step, on_warning
        self.warnings: list[str] = []
        instruments = self.model.instruments
        mixtures = [mixture_weights(instruments, name).tolist() for name in names] or None
        clip_frames = self.settings.clip_frames(self.model.frame_rate)
        self.clips: dict[str, Any] = {
            "clip_frames": clip_frames,
            "batch_size": self.settings.batch_size,
            "seed": seed,
            "weights": weights,
            "instruments": mixtures,
            "varispeed": self.settings.varispeed,
        }
        self.validation = ValidationClips(self.model, manifests, clip_frames, mixtures)
        # All checks come before the folder is created.
        self._batches(0)
        self.checkpoint = Checkpoint(
            run.checkpoints, self.settings.validate_every, on_warning=self._warn
        )

    def run_to_end(self, *more: keras.callbacks.Callback) -> dict[str, float]:
        """Trains, with more callbacks if given, and returns the numbers of the run."""
        settings, step = self.settings, self.checkpoint.latest_step()
        has_terms = hasattr(self.loss, "kind_sums")
        self.model.compile(
            make_optimizer(settings),
            self.loss,
            weighted_metrics=[LossTerms(self.loss)] if has_terms else None,
            steps_per_execution=steps_at_a_time(settings.steps_per_epoch, settings.steps, step),
            auto_scale_loss=False,
        )
        compile_replicas(self.model)
        build(self.model)
        if step % settings.steps_per_epoch:
            self._build_metrics()
        self._leave_validation_uncompiled()
        with self._errors_in_one_line(), StopOnSignal(self.checkpoint) as stop:
            log, best, callbacks = self._callbacks(step)
            validation = self.validation.batches()
            if step == 0 and validation is not None and not best.losses:
                self._measure_untrained(log, best, validation)
            callbacks += [*more, stop]
            while step < settings.steps and not best.is_out_of_patience():
                step = self._fit(step, validation, callbacks)
            # After a run was killed at its last step, there is nothing left to fit. `fit` leaves
            # the average in the weights.
            self.checkpoint.set_model(self.model)
            self.checkpoint.on_train_begin()
            with averaged_weights(self.model):
                self.validation.write_files(self.run.files, self.loss, step)
            return self._summarize(step, log, best)

    def record(self, summary: dict[str, float]) -> None:
        """Writes the numbers into the run's record, after which the run counts as trained."""
        numbers = {k: v if math.isfinite(v) else None for k, v in summary.items()}
        steps = {"steps": self.settings.steps, "warnings": self.warnings}
        self.run.update({**numbers, **steps})

    def _build_metrics(self):
        # Keras creates them in the first step, too late to restore those of an unfinished epoch.
        silence = np.zeros((1, self.clips["clip_frames"] * self.model.hop), np.float32)
        self.model.compute_metrics(None, silence, silence)
        self.model.reset_metrics()

    def _leave_validation_uncompiled(self):
        # Compilation with XLA would take longer than all validations of a run do without it.
        if keras.backend.backend() == "tensorflow" and self.model.jit_compile:
            self.model.jit_compile = False
            self.model.make_test_function()
            self.model.jit_compile = True

    def _batches(self, step):
        make_batches = functools.partial(
            training_batches,
            self.manifests,
            gain_db=self.settings.gain_db,
            features=self.validation.names,
            **self.clips,
        )
        return divided_batches(make_batches, self.settings.batch_size, step)

    def _fit(self, step, validation, callbacks) -> int:
        """Trains to the end, or until the length of epochs changes. Returns the steps done."""
        steps, size = self.settings.steps, self.settings.steps_per_epoch
        epoch, within = divmod(step, size)
        # The rest of an interrupted epoch, all whole epochs, then the remainder at the end.
        length = min(size - within, steps - step)
        epochs = epoch + 1 if within or length < size else steps // size
        ends = {k + 1: step + (k - epoch + 1) * length for k in range(epoch, epochs)}
        history = self.model.fit(
            self._batches(step),
            initial_epoch=epoch,
            epochs=epochs,
            steps_per_epoch=length,
            validation_data=validation,
            validation_freq=[k for k, end in ends.items() if self._is_validated(end)],
            callbacks=callbacks,
            shuffle=False,
            verbose=0,
        )
        return step + length * len(history.epoch)

    def _is_validated(self, step) -> bool:
        return step % self.settings.validate_every == 0 or step == self.settings.steps

    def _callbacks(self, step):
        run, settings = self.run, self.settings
        kinds = ["loss", *getattr(self.loss, "kinds", ())]
        nodes = [processor.name for processor in self.model.processor_group.processors]
        columns = [*kinds, *(f"validation_{kind}" for kind in kinds)]
        columns += [f"level_{name}_db" for name in ("target", *nodes)]
        writer = self._tensorboard_writer()
        log = LogMetrics(run.logs, columns, writer, self._report)
        log.resume(step)
        times = (settings.validate_every, settings.steps)
        best = KeepBest(
            run.best_model,
            *times,
            losses=log.metrics.column("validation_loss")[1].tolist(),
            patience=settings.early_stop_validations,
            before_saving=self.validation.keep_mean_z,
        )
        few = self.validation.few()
        callbacks = [
            ValidateAverage(),
            StopOnNaN(),
            WatchHealth(*few, *times, settings.warm_up_steps, self._warn),
            log,
            best,
            RenderClips(run.renders, *few, settings.render_every, settings.steps, writer),
            self.checkpoint,
        ]
        return log, best, callbacks

    def _tensorboard_writer(self):
        if importlib.util.find_spec("tensorboard") is None:
            self._warn("tensorboard is not installed: metrics go to logs/metrics.csv only")
            return None
        return tf.summary.create_file_writer(str(self.run.logs))

    def _measure_untrained(self, log, best, validation):
        logs = self.model.evaluate(validation, return_dict=True, verbose=0)
        log.write(0, {f"val_{name}": value for name, value in logs.items()})
        best.set_model(self.model)
        best.consider(logs["loss"])

    def _report(self, step, numbers):
        if self.on_step:
            self.on_step(step, self.settings.steps, numbers)

    def _warn(self, text):
        self.warnings.append(text)
        if self.on_warning:
            self.on_warning(text)

    def _summarize(self, step, log, best):
        summary = {"step": step, "seconds": round(log.seconds, 3)}
        if best.losses:
            finite = [loss for loss in best.losses if math.isfinite(loss)]
            summary["first_validation_loss"] = best.losses[0]
            summary["validation_loss"] = best.losses[-1]
            summary["best_validation_loss"] = min(finite, default=math.nan)
        return summary

    @contextlib.contextmanager
    def _errors_in_one_line(self) -> Iterator[None]:
        try:
            yield
        except NotFiniteError as error:
            raise UserError(self._about_nan(error)) from error
        except tf.errors.ResourceExhaustedError as error:
            raise UserError(self._about_memory()) from error
        except Exception as error:
            if "RESOURCE_EXHAUSTED" in str(error):
                raise UserError(self._about_memory()) from error
            if isinstance(error, tf.errors.OpError):
                self._check_still_there(error)
            raise

    def _about_nan(self, error: NotFiniteError) -> str:
        sources: set[str] = set()
        for step in error.steps:
            sources.update(training_sources(self.manifests, step, **self.clips))
        paths = self.checkpoint.paths()
        return (
            f"{self.run.path}: {error} (files {', '.join(sorted(sources))}); last good checkpoint: "
            f"{paths[-1] if paths else 'none'}; try a smaller train.learning_rate"
        )

    def _about_memory(self):
        held = memory_of_gpus()
        return (
            f"{self.run.path}: out of memory{f' ({held})' if held else ''}; choose a smaller "
            f"train.batch_size (now {self.settings.batch_size}) or train.clip_seconds (now "
            f"{self.settings.clip_seconds:g}), or close other programs on the GPU"
        )

    def _check_still_there(self, error):
        for manifest in self.manifests:
            try:
                for file in load_manifest(manifest.folder).files_of("train"):
                    manifest.path_of(file)
            except (UserError, OSError) as reason:
                raise UserError(
                    f"{manifest.folder}: can no longer be read ({reason}); the last checkpoint is "
                    f"of step {self.checkpoint.saved_step}; the same command resumes it"
                ) from error

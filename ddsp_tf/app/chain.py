"""The whole chain, stage by stage; each is skipped when its result is there and still matches."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ddsp_tf.audio.files import file_sha256
from ddsp_tf.configuration.experiment import load_experiment, load_extractor
from ddsp_tf.data.manifest import Manifest, load_manifest
from ddsp_tf.data.preparation import dataset_fingerprint, prepare_dataset
from ddsp_tf.errors import UserError
from ddsp_tf.files.export_description import ExportDescription, read_description
from ddsp_tf.files.run_directory import RunDirectory

if TYPE_CHECKING:
    from ddsp_tf.evaluation.record import Evaluation


class Chain:
    """Recordings -> dataset -> trained model -> evaluation -> exported model.

    Args:
        audio: Files or folders to learn from.
        out: Folder of the results: `dataset/`, `run/`, `export/`, and `test_dataset/` if there
            are test recordings.
        config: A gin file, or the name of a shipped one.
        overrides: Bindings such as "train.steps=2000".
        validation: Files or folders to hold out from training.
        validation_share: Share held out at random if `validation` is empty.
        test: Recordings to evaluate on; the validation split if empty.
        seed: Seed of everything random.

    Attributes:
        run: The `RunDirectory`.
        export_folder: Where the exported model goes.
        skipped: Names of the stages that were found done.
    """

    def __init__(
        self,
        audio: Sequence[Path],
        out: Path,
        *,
        config: str,
        overrides: Sequence[str] = (),
        validation: Sequence[Path] = (),
        validation_share: float = 0.1,
        test: Sequence[Path] = (),
        seed: int = 0,
    ):
        out = Path(out)
        if out.exists() and not out.is_dir():
            raise UserError(f"{out}: is a file; expected a folder for the results")
        self.audio, self.validation, self.test = list(audio), list(validation), list(test)
        self.validation_share, self.seed = validation_share, seed
        self.config, self.overrides = config, list(overrides)
        self.dataset = out / "dataset"
        self.test_dataset = out / "test_dataset"
        self.run = RunDirectory(out / "run")
        self.export_folder = out / "export"
        self.extractor = load_extractor(config, overrides)
        self.skipped: list[str] = []

    def prepare(self, on_progress: Callable[[int, int, str], None] | None = None) -> Manifest:
        """Prepares the dataset, and the test dataset if there are test recordings."""
        if self.test:
            self._prepare("test dataset", self.test_dataset, self.test, [], 1.0, on_progress)
        return self._prepare(
            "dataset", self.dataset, self.audio, self.validation, self.validation_share, on_progress
        )

    def _prepare(self, stage, out, audio, validation, share, on_progress) -> Manifest:
        choice = {
            "extractor": self.extractor,
            "validation": validation,
            "validation_share": share,
            "seed": self.seed,
        }
        if (out / "dataset.json").exists():
            # One that an earlier version wrote, or that is damaged, is made again.
            with contextlib.suppress(UserError):
                manifest = load_manifest(out)
                if manifest.fingerprint == dataset_fingerprint(audio, **choice):
                    self.skipped.append(stage)
                    return manifest
        return prepare_dataset(audio, out, **choice, on_progress=on_progress)

    def train(
        self,
        on_step: Callable[[int, int, dict], None] | None = None,
        on_warning: Callable[[str], None] | None = None,
    ) -> dict:
        """Trains; goes on with a stopped run of the same dataset and settings."""
        from ddsp_tf.training.run import train_run

        if self.run.record.exists():
            try:
                experiment = load_experiment(self.config, self.overrides, self.seed)
                fingerprint = load_manifest(self.dataset).fingerprint
                self.run.check_same(
                    experiment.text, {"seed": self.seed, "dataset_fingerprint": fingerprint}
                )
            except UserError:
                # The recordings or the settings have changed: what was trained is stale.
                shutil.rmtree(self.run.path)
            else:
                record = self.run.read()
                if record.get("step", 0) >= experiment.training.steps:
                    self.skipped.append("training")
                    return record
        return train_run(
            self.config,
            self.dataset,
            self.run.path,
            overrides=self.overrides,
            seed=self.seed,
            on_step=on_step,
            on_warning=on_warning,
        )

    def evaluate(self, on_progress: Callable[[int, int, str], None] | None = None) -> Evaluation:
        """Evaluates on the test recordings, or on the validation split, and writes the page."""
        from ddsp_tf.app.pages.report import write_report
        from ddsp_tf.evaluation.evaluator import evaluate_run
        from ddsp_tf.evaluation.record import read_evaluation

        dataset = self.test_dataset if self.test else self.dataset
        if self.run.evaluation.exists() and self.run.report.exists():
            # A damaged file is made again.
            with contextlib.suppress(UserError):
                done = read_evaluation(self.run)
                wanted = (file_sha256(self.run.best_model), [load_manifest(dataset).fingerprint])
                found = (done.model_sha256, [one.fingerprint for one in done.datasets])
                if found == wanted:
                    self.skipped.append("evaluation")
                    return done
        result = evaluate_run(self.run, dataset, on_progress=on_progress)
        write_report(self.run, result)
        return result.record

    def export(self, precisions: Sequence[str] | None = None) -> ExportDescription:
        """Exports the best model, the LiteRT files in some precisions or all."""
        from ddsp_tf.export.exporter import PRECISIONS, export_run

        precisions = PRECISIONS if precisions is None else precisions
        wanted = {f"stream_{name}.tflite" for name in precisions if name != "float32"}
        if (self.export_folder / "model.json").exists():
            description = read_description(self.export_folder)
            same = description.model_sha256 == file_sha256(self.run.best_model)
            if same and wanted <= set(description.files):
                self.skipped.append("export")
                return description
        return export_run(self.run, self.export_folder, precisions)

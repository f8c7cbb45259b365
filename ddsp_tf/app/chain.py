"""The whole chain, stage by stage, without stages whose results still match.

Datasets, evaluations and exports are repeated if their inputs or settings have changed. A trained
run is never removed: if it no longer matches, it is kept next to the new one, under a name with the
time and the reason. docs/design.md has the complete policy.
"""

import contextlib
import dataclasses
import functools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ddsp_tf.app.dataset_stage import DatasetStage, Progress
from ddsp_tf.app.project import keep_aside, put_back
from ddsp_tf.audio.finding import find_audio
from ddsp_tf.configuration.comparison import changed_settings, earlier_defaults, kept_note
from ddsp_tf.configuration.experiment import Experiment, load_experiment
from ddsp_tf.data.manifest import Manifest, load_manifest
from ddsp_tf.data.rules import PreparationRules
from ddsp_tf.errors import UserError
from ddsp_tf.evaluation.record import Evaluation
from ddsp_tf.files.atomic import recover
from ddsp_tf.files.checksum import file_sha256
from ddsp_tf.files.export_description import ExportDescription, read_description
from ddsp_tf.files.locks import locked
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.training.adaptation import resolve_configuration
from ddsp_tf.training.ensemble_runs import are_written, instruments_override
from ddsp_tf.training.warm_start import find_ancestor, start_override, warm_start

# Begins a call elsewhere, and returns a function that waits for its result.
Begin = Callable[..., Callable[[], Any]]


class Chain:
    """Recordings -> dataset -> trained model -> evaluation -> exported model.

    The configuration and all paths are checked before any stage changes a file.

    Args:
        audio: Files or folders to learn from; or a dictionary of them by instrument, for one model
            of several instruments.
        out: Folder of the results: `dataset/` (`datasets/NAME/` for several instruments), `run/`,
            `export/`, and `test_dataset/` if there are test recordings.
        config: Path of a gin file, or the name of a shipped one; None to adapt `start_from`, with
            its configuration and a short training.
        start_from: Model whose weights the training starts from: run directory, `.keras` file, or
            "bundled:NAME"; None to start from initial weights.
        overrides: Bindings such as "train.steps=2000".
        validation: Files or folders to hold out from training, for a single instrument.
        validation_share: Share held out at random if `validation` is empty.
        test: Recordings to evaluate on, for a single instrument; the validation split if empty.
        channel: Channel of stereo recordings: "mean" of all, "left" or "right".
        seed: Seed of everything random.
        on_note: Function called with a sentence about each result that was kept, and why.

    Attributes:
        run: `RunDirectory` of the trained model.
        export_folder: Folder of the exported model.
        skipped: Names of the stages whose results still match.

    Raises:
        UserError: If a value, a path or an earlier run cannot be used. Nothing is changed then.

    Example:
        >>> import ddsp_tf
        >>> chain = Chain([ddsp_tf.recording("violin")], "my_violin", config="demo")
        >>> chain.run.path.as_posix(), chain.skipped
        ('my_violin/run', [])
    """

    def __init__(
        self,
        audio: Sequence[Path] | Mapping[str, Sequence[Path]],
        out: Path,
        *,
        config: str | None = None,
        start_from: str | os.PathLike | None = None,
        overrides: Sequence[str] = (),
        validation: Sequence[Path] = (),
        validation_share: float = 0.1,
        test: Sequence[Path] = (),
        channel: str = "mean",
        seed: int = 0,
        on_note: Callable[[str], None] = lambda text: None,
    ):
        out = Path(out)
        if out.exists() and not out.is_dir():
            raise UserError(f"{out}: is a file; expected a folder for the results")
        self.names = list(audio) if isinstance(audio, Mapping) else []
        if self.names and (validation or test):
            raise UserError(
                "several instruments: recordings to hold out or to test on were named; expected "
                "none, because a share of each instrument's recordings is held out"
            )
        config, settings = resolve_configuration(config, start_from, out / "run")
        own = instruments_override(self.names, config)
        overrides = [*settings, *overrides, *start_override(start_from), *own]
        self.validation_share, self.seed, self.config = validation_share, seed, config
        self.out, self.on_note = out, on_note
        self.dataset = out / "dataset"
        self._folders = {name: out / "datasets" / name for name in self.names} or {"": self.dataset}
        self.test_dataset = out / "test_dataset"
        self.run = RunDirectory(out / "run")
        self.export_folder = out / "export"
        kept = earlier_defaults(self.run, config, overrides)
        if kept:
            on_note(kept_note(kept))
        self.overrides = [*kept, *overrides]
        experiment = load_experiment(config, self.overrides, seed)
        self.extractor, self.steps = experiment.extractor, experiment.training.steps
        self._text = experiment.text
        self._ancestor = self._find_ancestor(experiment)
        given = audio if isinstance(audio, Mapping) else {"": audio}
        self.audio = {name: self._find(paths) for name, paths in given.items()}
        self.validation, self.test = (self._find(one) if one else [] for one in (validation, test))
        self.rules = PreparationRules(channel=channel)
        self.skipped: list[str] = []

    def _find_ancestor(self, experiment: Experiment) -> dict[str, Any] | None:
        """Describes the model to start from, after checking that its weights fit a new run."""
        source = experiment.training.start_from
        if not source:
            return None
        ancestor = dataclasses.asdict(find_ancestor(source, self.run))
        if not self.run.is_started():
            warm_start(experiment.model, source)
        return ancestor

    def _find(self, paths: Sequence[Path]) -> list[Path]:
        """Lists the recordings, except those among the results."""
        found = find_audio(paths, out=self.out)
        for note in found.notes():
            self.on_note(note)
        return found.audio

    def prepare(self, on_progress: Progress | None = None) -> list[Manifest]:
        """Prepares the datasets, and the test dataset if there are test recordings.

        Args:
            on_progress: Function called as `on_progress(done, total, text)`.

        Returns:
            Datasets to train on: one, or one for each instrument.
        """
        stage = DatasetStage(
            self.extractor, self.rules, self.seed, self.run, self.on_note, self.skipped
        )
        with locked(self.out, "run"):
            if self.test:
                stage.prepare("test dataset", self.test_dataset, self.test, [], 1.0, on_progress)
            choice = (self.validation, self.validation_share, on_progress)
            return [
                stage.prepare(f"dataset {name}".strip(), folder, self.audio[name], *choice)
                for name, folder in self._folders.items()
            ]

    def train(
        self,
        on_step: Callable[[int, int, dict], None] | None = None,
        on_warning: Callable[[str], None] | None = None,
    ) -> dict:
        """Trains, or resumes an earlier training on the same dataset with the same settings."""
        from ddsp_tf.training.run import train_run

        with locked(self.out, "run"):
            reason = self._reason_to_start_again()
            if reason is None and self.run.record.exists():
                record = self.run.read()
                if record.get("step", 0) >= self.steps and are_written(self.run):
                    self.skipped.append("training")
                    return record
            with self._kept_aside(reason):
                return train_run(
                    self.config,
                    dict(self._folders) if self.names else self.dataset,
                    self.run.path,
                    overrides=self.overrides,
                    seed=self.seed,
                    on_step=on_step,
                    on_warning=on_warning,
                )

    def _reason_to_start_again(self) -> str | None:
        """Names the difference from the training of the existing run, in a word or two."""
        if not self.run.is_started():
            return None
        record, fingerprint = self.run.read(), self._fingerprint()
        now = {"seed": self.seed, "dataset_fingerprint": fingerprint, "ancestor": self._ancestor}
        now |= {"instruments": self.names, "weights": [1.0] * len(self.names)}
        try:
            self.run.check_same(self._text, now)
        except UserError:
            if record.get("seed") != self.seed:
                return "seed"
            if record.get("dataset_fingerprint") != fingerprint:
                return "dataset"
            earlier = self.run.configuration.read_text(encoding="utf-8")
            changed = changed_settings(earlier, self._text)
            decisive = [name for name in changed if name != "train.steps"]
            # If no setting differs, the model to start from has changed.
            return (decisive or changed or ["train.start_from"])[0]
        return None

    def _fingerprint(self) -> str:
        return " ".join(load_manifest(one).fingerprint for one in self._folders.values())

    @contextlib.contextmanager
    def _kept_aside(self, reason: str | None) -> Iterator[None]:
        if reason is None:
            yield
            return
        kept = keep_aside(self.run, f"{reason}_changed")
        self.on_note(f"{reason} has changed: the earlier run is kept in {kept}")
        try:
            yield
        finally:
            if put_back(kept, self.run):
                self.on_note(f"{self.run.path}: is the earlier run again")

    def evaluate(self, on_progress: Progress | None = None) -> Evaluation:
        """Evaluates on the test recordings, or on the validation split, and writes the page."""
        from ddsp_tf.app.pages.report import write_report
        from ddsp_tf.evaluation.evaluator import evaluate_run
        from ddsp_tf.evaluation.record import read_evaluation

        datasets = [self.test_dataset] if self.test else list(self._folders.values())
        with locked(self.out, "run"):
            fingerprints = [load_manifest(folder).fingerprint for folder in datasets]
            if self.run.report.exists():
                # If evaluation.json is damaged, the evaluation is repeated.
                with contextlib.suppress(UserError):
                    done = read_evaluation(self.run)
                    found = (done.model_sha256, [one.fingerprint for one in done.datasets])
                    if found == (file_sha256(self.run.best_model), fingerprints):
                        self.skipped.append("evaluation")
                        return done
            result = evaluate_run(self.run, datasets, on_progress=on_progress)
            write_report(self.run, result)
            return result.record

    def export(self, precisions: Sequence[str] | None = None) -> ExportDescription:
        """Exports the best model, with LiteRT files in the given precisions or all."""
        with locked(self.out, "run"):
            return self.begin_export(functools.partial, precisions)()

    def begin_export(
        self, begin: Begin, precisions: Sequence[str] | None = None
    ) -> Callable[[], ExportDescription]:
        """Begins to export the best model elsewhere, in another process for example.

        Args:
            begin: Function called as `begin(function, *arguments)`, unless the export still
                matches. It returns a function that waits for the result and returns it.
            precisions: Precisions of the LiteRT files; all by default.

        Returns:
            Function that waits for the content of model.json and returns it.
        """
        from ddsp_tf.export.exporter import PRECISIONS, export_run

        precisions = PRECISIONS if precisions is None else precisions
        wanted = {f"stream_{name}.tflite" for name in precisions if name != "float32"}
        recover(self.export_folder)
        # An export with a damaged model.json or missing files is repeated.
        with contextlib.suppress(UserError):
            description = read_description(self.export_folder)
            whole = all((self.export_folder / name).is_file() for name in description.files)
            same = description.model_sha256 == file_sha256(self.run.best_model)
            if same and whole and wanted <= set(description.files):
                return functools.partial(self._skip_export, description)
        return begin(export_run, self.run, self.export_folder, precisions)

    def _skip_export(self, description: ExportDescription) -> ExportDescription:
        self.skipped.append("export")
        return description

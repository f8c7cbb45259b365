"""The stage of the chain that prepares datasets."""

import contextlib
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ddsp_tf.data.manifest import Manifest, load_manifest
from ddsp_tf.data.preparation import dataset_fingerprint, prepare_dataset
from ddsp_tf.data.rules import PreparationRules
from ddsp_tf.errors import UserError
from ddsp_tf.features.extractor import FeatureExtractor
from ddsp_tf.files.atomic import recover
from ddsp_tf.files.run_directory import RunDirectory

Progress = Callable[[float, int, str], None]


@dataclasses.dataclass
class DatasetStage:
    """Prepares datasets, except those that still match recordings and settings.

    Attributes:
        extractor: Extractor of the configuration.
        rules: Rules of the preparation.
        seed: Seed that selects the recordings to hold out.
        run: Run that is trained on the datasets, which need not exist yet.
        on_note: Function called with a sentence about a dataset that was kept, and why.
        skipped: List to which the names of skipped stages are appended.
    """

    extractor: FeatureExtractor
    rules: PreparationRules
    seed: int
    run: RunDirectory
    on_note: Callable[[str], None]
    skipped: list[str]

    def prepare(
        self,
        stage: str,
        out: Path,
        audio: Sequence[Path],
        validation: Sequence[Path],
        share: float,
        on_progress: Progress | None,
    ) -> Manifest:
        """Prepares a dataset, unless the existing one matches.

        Args:
            stage: Name of the stage, for messages.
            out: Folder of the dataset.
            audio: Recordings.
            validation: Recordings to hold out.
            share: Share held out at random if `validation` is empty.
            on_progress: Function called as `on_progress(done, total, text)`.

        Returns:
            Manifest of the dataset.
        """
        choice: dict[str, Any] = {
            "validation": validation,
            "validation_share": share,
            "rules": self.rules,
            "seed": self.seed,
        }
        recover(out)
        # A dataset that is damaged or has an earlier version is prepared again.
        with contextlib.suppress(UserError):
            manifest = load_manifest(out)
            extractor = self._as_measured(manifest)
            if manifest.fingerprint == dataset_fingerprint(audio, extractor=extractor, **choice):
                self.skipped.append(stage)
                self._note_tracker(stage, manifest)
                return manifest
        return prepare_dataset(
            audio, out, extractor=self.extractor, **choice, on_progress=on_progress
        )

    def _as_measured(self, manifest: Manifest) -> Any:
        """Returns the dataset's own extractor if only its version differs and a run needs it."""
        recorded = manifest.extractor
        same = _without_version(recorded) == _without_version(self.extractor.describe())
        return _Recorded(recorded) if same and self.run.record.exists() else self.extractor

    def _note_tracker(self, stage: str, manifest: Manifest) -> None:
        if manifest.extractor != self.extractor.describe():
            tracker, now = manifest.extractor["pitch_tracker"], self.extractor.tracker
            self.on_note(
                f"{stage}: kept as {tracker['name']} {tracker['version']} measured it, although "
                f"{now.version} is installed, because a model was trained on it"
            )


class _Recorded:
    """A stand-in for an extractor, with the description in a dataset."""

    def __init__(self, description: dict):
        self._description = description

    def describe(self) -> dict:
        return self._description


def _without_version(description: dict) -> dict:
    tracker = {key: v for key, v in description["pitch_tracker"].items() if key != "version"}
    return {**description, "pitch_tracker": tracker}

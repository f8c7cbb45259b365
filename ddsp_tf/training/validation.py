"""The clips that a model is measured on during training."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ddsp_tf.data.clips import no_autograph
from ddsp_tf.data.manifest import Manifest
from ddsp_tf.data.pipeline import clips
from ddsp_tf.files.atomic import atomic_path
from ddsp_tf.files.names import spreadsheet_text
from ddsp_tf.inference.rendering import render_stems, white_noise
from ddsp_tf.models import Autoencoder
from ddsp_tf.training.devices import device_count
from ddsp_tf.training.processes import own_part

_MOST_CLIPS = 64
_BATCH_SIZES = range(4, 13)
_RENDERED_CLIPS = 4
_CLIPS_PER_TRAINING_FILE = 2


class ValidationClips:
    """The first clips of the held-out recordings, taken from all datasets in turn.

    Without held-out recordings they come from the training split, to listen to.

    Args:
        model: `Autoencoder` that is trained.
        manifests: Manifests of the datasets.
        clip_frames: Frames of a clip.
        mixtures: Mixture of instruments in each dataset, if the model has instruments.
    """

    def __init__(
        self,
        model: Autoencoder,
        manifests: Sequence[Manifest],
        clip_frames: int,
        mixtures: Sequence[Sequence[float]] | None = None,
    ):
        self.model, self.manifests, self.clip_frames = model, manifests, clip_frames
        self.names = (*model.feature_names, *(("audio",) if model.encoder else ()))
        self.mixtures: Sequence[Any] = mixtures or [None] * len(manifests)
        self.held_out = any(manifest.has_split("validation") for manifest in manifests)
        split = "validation" if self.held_out else "train"
        datasets = [
            self._clips(number, split)
            for number, manifest in enumerate(manifests)
            if manifest.has_split(split)
        ]
        # The silence that pads the last clip of a recording would count as much as music.
        whole = no_autograph(lambda _, __, about: about["valid_frames"] == clip_frames)
        self.clips = _in_turn([d.filter(whole) for d in datasets]) or _in_turn(datasets)

    def _clips(self, number, split) -> tf.data.Dataset:
        """Returns the clips of a dataset, given by its number."""
        choice = {"split": split, "clip_frames": self.clip_frames, "features": self.names}
        choice["instrument"] = self.mixtures[number]
        return clips(self.manifests[number], **choice, with_sources=True).unbatch()

    def batches(self) -> tf.data.Dataset | None:
        """Returns the validation data for `fit` and `evaluate`.

        All batches have the same size, a multiple of the number of devices, chosen to leave out the
        fewest clips: on one device none of up to twelve. The features include the noise of each
        clip, so that all models are measured with the same noise.

        Returns:
            Dataset of `(features, audio)`, or None without held-out recordings.
        """
        if not self.held_out:
            return None
        count, devices = len(self.clips), device_count()
        size = max(_BATCH_SIZES, key=lambda size: (count // size * size, size))
        size = count if count < _BATCH_SIZES[-1] else size
        size = max(size // devices * devices, devices)
        clips = (self.clips * devices)[: max(count, devices)]
        batches = []
        for number, start in enumerate(range(0, len(clips) - size + 1, size)):
            features, audio, _ = _stacked(clips[start : start + size])
            batch = {**features, "noise": white_noise(audio.shape, number)}, audio
            batches.append(tf.nest.map_structure(lambda values: values[own_part(size)], batch))
        with tf.device("CPU"):
            return tf.data.Dataset.from_tensor_slices(_stacked(batches))

    def few(self) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Returns features and audio of the clips to render."""
        features, audio, _ = _stacked(self.clips[:_RENDERED_CLIPS])
        return features, audio

    def keep_mean_z(self) -> None:
        """Sets the timbre that the model plays when no other is given, if it has an encoder."""
        if self.model.encoder is not None:
            self.model.keep_mean_z(audio[None] for _, audio, _ in self.clips)

    def files(self, loss: keras.losses.Loss) -> list[dict]:
        """Measures every file; training files by their first clips.

        Args:
            loss: Training loss.

        Returns:
            One row for each file: "split", "source", "clips", "loss" and its terms.
        """
        rows = self._by_file("train", self._training_clips(), loss)
        return rows + (self._by_file("validation", self.clips, loss) if self.held_out else [])

    def write_files(self, path: Path, loss: keras.losses.Loss, step: int) -> None:
        """Writes a table of `files`.

        Args:
            path: CSV file to write.
            loss: Training loss.
            step: Number of steps done.
        """
        rows = self.files(loss)
        with (
            atomic_path(path) as temporary,
            temporary.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, ["step", *rows[0]])
            writer.writeheader()
            for row in rows:
                writer.writerow({"step": step, **row, "source": spreadsheet_text(row["source"])})

    def _training_clips(self) -> Iterable:
        for number in range(len(self.manifests)):
            seen: dict[bytes, int] = {}
            for clip in self._clips(number, "train").as_numpy_iterator():
                source = clip[2]["source"]
                seen[source] = seen.get(source, 0) + 1
                if seen[source] <= _CLIPS_PER_TRAINING_FILE:
                    yield clip

    def _by_file(self, split, clips, loss) -> list[dict]:
        by_source: dict[str, list[dict]] = {}
        size = min(_RENDERED_CLIPS, len(self.clips))
        for chunk in _chunks(clips, size):
            # Filled up with the last clip, so that one graph is enough.
            features, audio, _ = _stacked([*chunk, *chunk[-1:] * (size - len(chunk))])
            rendered = render_stems(self.model, features)["reconstruction"]
            terms = _losses(loss, audio, rendered)
            for number, (_, _, about) in enumerate(chunk):
                row = {name: float(values[number]) for name, values in terms.items()}
                by_source.setdefault(about["source"].decode(), []).append(row)
        return [
            {"split": split, "source": source, "clips": len(rows)}
            | {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
            for source, rows in by_source.items()
        ]


def _losses(loss, target, audio) -> dict[str, np.ndarray]:
    """Returns the loss of every clip, with its terms if it has any."""
    if not hasattr(loss, "kind_sums"):
        return {"loss": keras.ops.convert_to_numpy(loss.call(target, audio))}
    kinds = loss.kind_sums(target, audio)
    values = {name: keras.ops.convert_to_numpy(value) for name, value in kinds.items()}
    return {"loss": sum(values.values()), **values}


def _in_turn(datasets: list[tf.data.Dataset]) -> list[tuple]:
    """Takes the first clips of all datasets in turn."""
    taken = [list(dataset.take(_MOST_CLIPS).as_numpy_iterator()) for dataset in datasets]
    longest = max(map(len, taken), default=0)
    in_turn = [group[k] for k in range(longest) for group in taken if k < len(group)]
    return in_turn[:_MOST_CLIPS]


def _chunks(clips: Iterable, size: int) -> Iterable[list]:
    chunk: list = []
    for clip in clips:
        chunk.append(clip)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _stacked(clips: Sequence[tuple]) -> tuple:
    return tf.nest.map_structure(lambda *parts: np.stack(parts), *clips)

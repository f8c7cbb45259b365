"""Looking at a model while it trains: losses on held-out clips, and sounds to listen to."""

import functools
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from ddsp_tf.audio.files import write_audio
from ddsp_tf.backend.compilation import compiled
from ddsp_tf.data.blocks import as_written
from ddsp_tf.data.manifest import Manifest
from ddsp_tf.data.pipeline import clips
from ddsp_tf.inference.rendering import render_stems, white_noise

_BATCH = 8
_CLIPS_PER_TRAINING_FILE = 2


class Validation:
    """The same held-out clips, with the same noise, each time.

    Args:
        model: The `Autoencoder` in training.
        loss: `MultiScaleSpectralLoss`.
        manifests: The datasets; their "validation" splits are used. Without any, nothing is
            measured, and renders show clips of the training split.
        clip_frames: Frames of a clip.
        settings: `TrainingSettings`.
    """

    def __init__(self, model, loss, manifests: Sequence[Manifest], clip_frames: int, settings):
        self.model, self.loss, self.settings = model, loss, settings
        self.manifests, self.clip_frames = manifests, clip_frames
        self.held_out = any(manifest.has_split("validation") for manifest in manifests)
        split = "validation" if self.held_out else "train"
        most = max(settings.validation_clips, settings.render_clips)
        datasets = [self._clips(m, split) for m in manifests if m.has_split(split)]
        # The silence that fills up a recording's last clip would be measured like music.
        whole = as_written(lambda clip: clip["valid_frames"] == clip_frames)
        full = [dataset.filter(whole) for dataset in datasets]
        for choice in (full, datasets):
            self.batches = _batches(choice, most)
            if self.batches:
                break
        # Clips of every batch that is measured: one number, so that there is one graph.
        self._rows = max((len(batch["audio"]) for batch in self.batches), default=1)

    def _clips(self, manifest, split) -> tf.data.Dataset:
        batches = clips(
            manifest,
            split=split,
            clip_frames=self.clip_frames,
            batch_size=_BATCH,
            with_sources=True,
        )
        merge = as_written(lambda features, audio, about: {**features, "audio": audio, **about})
        return batches.map(merge).unbatch()

    def measure(self) -> tuple[dict[str, float], list[dict]]:
        """Measures the validation clips.

        Returns:
            The mean losses by name, nothing if there are no clips; and the losses of every file,
            see `measure_files`.
        """
        if not self.held_out:
            return {}, []
        rows = self._measure(self.batches)
        means = {
            f"validation_{kind}": float(np.mean([row[kind] for row in rows]))
            for kind in self.loss.kinds
        }
        return {"validation_loss": sum(means.values()), **means}, self._by_file(rows, "validation")

    def measure_training_files(self) -> list[dict]:
        """Measures the first clips of every training file.

        Returns:
            One dictionary a file: "split", "source", "clips", "loss" and the loss's kinds.
        """
        rows = []
        for manifest in self.manifests:
            seen: dict[bytes, int] = {}
            chosen = []
            for clip in self._clips(manifest, "train").as_numpy_iterator():
                seen[clip["source"]] = seen.get(clip["source"], 0) + 1
                if seen[clip["source"]] <= _CLIPS_PER_TRAINING_FILE:
                    chosen.append(clip)
                if len(chosen) == self._rows:
                    rows += self._measure([_stacked(chosen)])
                    chosen = []
            if chosen:
                rows += self._measure([_stacked(chosen)])
        return self._by_file(rows, "train")

    def _measure(self, batches) -> list[dict]:
        """Returns the losses of every clip, with its "source"."""
        rows = []
        for index, batch in enumerate(batches):
            names = (*self.model.feature_names, "audio")
            curves = {name: _filled_up(batch[name], self._rows) for name in names}
            noise = white_noise(curves["audio"].shape, seed=index)
            sums = self._compiled_sums({**curves, "noise": noise})
            sums = {kind: np.asarray(values) for kind, values in sums.items()}
            for number, source in enumerate(batch["source"]):
                losses = {kind: float(values[number]) for kind, values in sums.items()}
                rows.append({"source": source.decode(), **losses})
        return rows

    @functools.cached_property
    def _compiled_sums(self):
        return compiled(self._kind_sums, self.model)

    def _kind_sums(self, batch):
        return self.loss.kind_sums(batch["audio"], self.model(batch))

    def keep_mean_z(self):
        """Sets the timbre that the model plays when no other is given, if it has an encoder."""
        if self.model.encoder is not None:
            self.model.keep_mean_z(batch["audio"] for batch in self.batches)

    def _by_file(self, rows, split) -> list[dict]:
        files = []
        for source in dict.fromkeys(row["source"] for row in rows):
            own = [row for row in rows if row["source"] == source]
            means = {k: float(np.mean([row[k] for row in own])) for k in self.loss.kinds}
            name = {"split": split, "source": source, "clips": len(own)}
            files.append({**name, "loss": sum(means.values()), **means})
        return files

    def render(self, folder, step: int, writer):
        """Writes target and stems of some clips as WAV files and to TensorBoard.

        Args:
            folder: Where `step_000000/clip_0/*.wav` go.
            step: Training step.
            writer: TensorBoard's summary writer.
        """
        from ddsp_tf.evaluation.figures import spectrogram_png

        batch = self.batches[0]
        n_clips = min(self.settings.render_clips, len(batch["audio"]))
        curves = {name: batch[name][:n_clips] for name in (*self.model.feature_names, "audio")}
        stems = {"target": batch["audio"][:n_clips], **render_stems(self.model, curves)}
        rate = self.model.sample_rate
        with writer.as_default(step=step):
            for name, audio in stems.items():
                for index, clip in enumerate(audio):
                    clip_folder = folder / f"step_{step:06d}" / f"clip_{index}"
                    write_audio(clip_folder / f"{name}.wav", clip, rate)
                    picture = tf.io.decode_png(spectrogram_png(clip, rate), channels=3)
                    tf.summary.image(f"clip_{index}/{name}", picture[None])
                tf.summary.audio(name, np.clip(audio, -1, 1)[:, :, None], rate, max_outputs=n_clips)


def _batches(datasets, most: int) -> list[dict]:
    """Takes the first clips of all datasets in turn."""
    taken = [list(dataset.take(most).as_numpy_iterator()) for dataset in datasets]
    in_turn = [
        group[number]
        for number in range(max(map(len, taken), default=0))
        for group in taken
        if number < len(group)
    ][:most]
    return [_stacked(in_turn[first : first + _BATCH]) for first in range(0, len(in_turn), _BATCH)]


def _filled_up(values: np.ndarray, rows: int) -> np.ndarray:
    """Repeats the last of values [clips, ...] until there are so many: [rows, ...]."""
    return values[np.minimum(np.arange(rows), len(values) - 1)]


def _stacked(group: list[dict]) -> dict:
    return {name: np.stack([clip[name] for clip in group]) for name in group[0]}

"""Looking at a model while it trains: losses on held-out clips, and sounds to listen to."""

import numpy as np
import tensorflow as tf

from ddsp_tf.data.audio_files import write_audio
from ddsp_tf.data.manifest import Manifest
from ddsp_tf.data.pipeline import clips
from ddsp_tf.synthesis import render_stems, white_noise

_BATCH = 8


class Validation:
    """The same held-out clips, with the same noise, each time.

    Args:
        model: The `Autoencoder` in training.
        loss: `MultiScaleSpectralLoss`.
        manifest: The dataset; its "validation" split is used. Without one, nothing is measured,
            and renders show clips of the training split.
        clip_frames: Frames of a clip.
        settings: `TrainingSettings`.
    """

    def __init__(self, model, loss, manifest: Manifest, clip_frames: int, settings):
        self.model, self.loss, self.settings = model, loss, settings
        self.held_out = manifest.has_split("validation")
        split = "validation" if self.held_out else "train"
        most = max(settings.validation_clips, settings.render_clips)
        held_out = clips(manifest, split=split, clip_frames=clip_frames, batch_size=_BATCH)
        held_out = held_out.unbatch()
        # The silence that fills up a recording's last clip would be measured like music.
        full = held_out.filter(lambda clip: clip["valid_frames"] == clip_frames)
        for choice in (full, held_out):
            self.batches = list(choice.take(most).batch(_BATCH).as_numpy_iterator())
            if self.batches:
                break

    @tf.function(reduce_retracing=True)
    def _terms(self, batch):
        return self.loss.terms(batch["audio"], self.model(batch))

    def measure(self) -> dict[str, float]:
        """Returns the mean losses over the validation clips; nothing if there are none."""
        if not self.held_out:
            return {}
        sums, count = {}, 0
        for index, batch in enumerate(self.batches):
            noise = white_noise(batch["audio"].shape, seed=index)
            curves = {name: batch[name] for name in self.model.feature_names}
            for name, values in self._terms(
                {**curves, "audio": batch["audio"], "noise": noise}
            ).items():
                kind = f"validation_{name.rpartition('_')[0]}"
                sums[kind] = sums.get(kind, 0.0) + float(np.sum(values))
            count += len(batch["audio"])
        means = {name: value / count for name, value in sums.items()}
        return {"validation_loss": sum(means.values()), **means}

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
        curves = {name: batch[name][:n_clips] for name in self.model.feature_names}
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

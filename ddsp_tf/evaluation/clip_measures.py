"""Measures of one clip: how close the model's render is to the recording."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from ddsp_tf.backend.compilation import compiled
from ddsp_tf.features.extraction_processes import Extract
from ddsp_tf.features.extractor import FeatureExtractor
from ddsp_tf.features.loudness import loudness_db
from ddsp_tf.features.pitch import VOICED_CONFIDENCE
from ddsp_tf.inference.rendering import render_stems
from ddsp_tf.losses import MultiScaleSpectralLoss
from ddsp_tf.losses.multi_scale_spectral import scaled_fft_sizes
from ddsp_tf.metrics.attacks import attack_error_ms
from ddsp_tf.metrics.cepstrum import cepstral_distance_db
from ddsp_tf.metrics.distances import f0_accuracy, f0_l1_semitones, f0_outlier_share, loudness_l1_db
from ddsp_tf.models import Autoencoder

_CURVES = ("f0_hz", "f0_confidence", "loudness_db")
# At the ends of a clip, a tracker has less context than in the whole recording. In clips of 4 s,
# `auto` was less certain of 11 of 75,000 frames, all within 40 ms of an end (seven instruments).
_UNJUDGED_SECONDS = 0.05


@dataclasses.dataclass
class MeasuredClip:
    """A clip, its render, and the measures of their distance.

    Attributes:
        name: Recording and the clip's position in it, such as "violin.flac 0.0-4.0 s".
        stems: Sounds by name, in the order in which a page shows them: "target",
            "reconstruction", "harmonic", "noise", "dry"; each [samples] float32, full scale 1.
        features: Features of "target" and "reconstruction", each with `f0_hz`, `f0_confidence` and
            `loudness_db` [frames].
        metrics: Measures by name; NaN where nothing could be measured.
        rank: Rank of the clip, such as "best" or "median"; "" if it has none.
    """

    name: str
    stems: dict[str, np.ndarray]
    features: dict[str, dict[str, np.ndarray]]
    metrics: dict[str, float]
    rank: str = ""


class ClipJudge:
    """Renders clips with a model and measures their distance from the recording.

    Args:
        model: Model to judge.
        loss: Spectral loss to report.
        extractor: Extractor of the dataset, which also measures the render.
        extract: Function that does what `FeatureExtractor.extract` does.
    """

    def __init__(
        self,
        model: Autoencoder,
        loss: MultiScaleSpectralLoss,
        extractor: FeatureExtractor,
        extract: Extract = FeatureExtractor.extract,
    ):
        self.model, self.extractor, self._extract = model, extractor, extract
        self._terms = compiled(loss.terms, model, any_length=True)
        # Window sizes halfway between those that models are trained on.
        sizes = [size * 3 // 2 for size in scaled_fft_sizes(model.sample_rate)]
        other = MultiScaleSpectralLoss(sizes)
        self._other_sizes = compiled(other.call, model, any_length=True)

    def measure(
        self, name: str, features: Mapping[str, np.ndarray], target: np.ndarray, seed: int
    ) -> MeasuredClip:
        """Renders and measures a clip.

        Args:
            name: Name of the clip.
            features: Features of the recording, [frames] each, and vectors if the model has any.
            target: Audio of the recording [frames * hop].
            seed: Seed of the render's noise.

        Returns:
            The clip with all its sounds and measures.
        """
        names = (*self.model.feature_names, *self.model.vector_sizes)
        curves = {key: features[key][None] for key in names if key in features}
        rendered = render_stems(self.model, {**curves, "audio": target[None]}, seed)
        stems = {key: audio[0] for key, audio in rendered.items()}
        reconstruction = self._extract(self.extractor, stems["reconstruction"])
        expected = self._expected(features, target)
        terms = self._terms(target[None], stems["reconstruction"][None])
        terms = {key: float(value[0]) for key, value in terms.items()}
        metrics = {
            **_totals(terms),
            **_feature_metrics(expected, reconstruction, self.extractor.frame_rate),
            **self._sound_metrics(target, stems["reconstruction"]),
            **terms,
        }
        return MeasuredClip(
            name=name,
            stems={"target": target, **stems},
            features={
                "target": expected,
                "reconstruction": {key: reconstruction[key] for key in _CURVES},
            },
            metrics=metrics,
        )

    def _sound_metrics(self, target, audio) -> dict[str, float]:
        rate = self.model.sample_rate
        return {
            "other_sizes_loss": float(self._other_sizes(target[None], audio[None])[0]),
            "cepstral_distance_db": cepstral_distance_db(target, audio, rate),
            "attack_error_ms": attack_error_ms(target, audio, rate),
        }

    def _expected(self, features, target) -> dict[str, np.ndarray]:
        """Returns the features that the render is compared with.

        Pitch is that of the whole recording. For loudness there is silence beyond the ends of a
        clip, so the target is measured as a clip, too.
        """
        extractor = self.extractor
        return {
            "f0_hz": features["f0_hz"],
            "f0_confidence": features["f0_confidence"],
            "loudness_db": loudness_db(
                target, extractor.sample_rate, extractor.hop, extractor.loudness_fft_size
            ),
        }


def _totals(terms: Mapping[str, float]) -> dict[str, float]:
    return {
        "spectral_loss": sum(terms.values()),
        "magnitude": sum(v for key, v in terms.items() if key.startswith("magnitude")),
        "log_magnitude": sum(v for key, v in terms.items() if key.startswith("log")),
    }


def _feature_metrics(target: Mapping, rendered: Mapping, frame_rate: float) -> dict[str, float]:
    frames = len(target["f0_hz"])
    ends = min(round(_UNJUDGED_SECONDS * frame_rate), frames // 4)
    judged = slice(ends, frames - ends)
    # Frames of the render in which the tracker finds no pitch count as having none.
    voiced = np.where(rendered["f0_confidence"] >= VOICED_CONFIDENCE, rendered["f0_hz"], 0.0)
    pitch = (target["f0_hz"][judged], voiced[judged], target["f0_confidence"][judged])
    metrics = {
        "loudness_l1_db": loudness_l1_db(target["loudness_db"], rendered["loudness_db"]),
        "f0_l1_semitones": f0_l1_semitones(*pitch),
        "f0_outlier_share": f0_outlier_share(*pitch),
        "f0_within_50_cents": f0_accuracy(*pitch),
    }
    return {key: float(value) for key, value in metrics.items()}

"""Signatures that take recordings: features of audio, and the model playing them."""

import functools

import tensorflow as tf

from ddsp_tf.export.model_functions import Endpoints, ModelFunctions, seeded_noise
from ddsp_tf.features.graph_loudness import graph_loudness_db, graph_power_db
from ddsp_tf.features.pitch import VOICED_CONFIDENCE
from ddsp_tf.features.yin import yin_pitch
from ddsp_tf.models.sanitizing import finite

_MARGIN_SECONDS = 0.02


def graph_features(audio, sample_rate: int, hop: int, extractor: dict | None = None) -> dict:
    """Measures features inside a graph, with YIN whatever tracker the model was trained with.

    Frames without a pitch hold the nearest one. Samples that are not finite count as silence.

    Args:
        audio: [batch, samples] in -1..1.
        sample_rate: Samples per second.
        hop: Samples between two frames.
        extractor: Description of the extractor that measured the training data, for its frame
            sizes; None for the default ones.

    Returns:
        Dictionary of "f0_hz" (0 if there is no pitch at all), "f0_confidence" (0..1),
        "loudness_db" and "power_db", [batch, samples // hop] each.

    Example:
        >>> time = tf.range(8000, dtype=tf.float32) / 16000.0
        >>> features = graph_features(0.5 * tf.sin(time * 440.0 * 6.283185)[None], 16000, 64)
        >>> {name: round(float(curve[0, 60]), -1) for name, curve in features.items()}
        {'f0_hz': 440.0, 'f0_confidence': 0.0, 'loudness_db': 10.0, 'power_db': -10.0}
    """
    extractor = extractor or {}
    audio = tf.clip_by_value(finite(audio), -1.0, 1.0)
    tracker = extractor.get("pitch_tracker") or {}
    own = tracker.get("settings", {}) if tracker.get("name") == "yin" else {}
    f0_hz, confidence = yin_pitch(audio, sample_rate, hop, **own)
    margin = round(_MARGIN_SECONDS * sample_rate / hop)
    fft_size = extractor.get("loudness_fft_size", 512)
    return {
        "f0_hz": _held(f0_hz, confidence >= VOICED_CONFIDENCE, margin),
        "f0_confidence": confidence,
        "loudness_db": graph_loudness_db(audio, sample_rate, hop, fft_size),
        "power_db": graph_power_db(audio, hop, extractor.get("power_frame_size", 1024)),
    }


def _held(f0_hz, voiced, margin: int):
    """Replaces the pitch of uncertain frames by that of the nearest certain one.

    Within `margin` frames of the beginning or the end of a tone, the window covers only part of it.
    """
    voiced = tf.cast(voiced, tf.float32)[:, :, None]
    sure = -tf.nn.max_pool1d(-voiced, 2 * margin + 1, 1, "SAME")[:, :, 0]
    count = tf.cast(tf.cumsum(sure, axis=1), tf.int32)
    length = tf.shape(f0_hz)[1]
    here = tf.range(length)[None, :]
    # The frames where the count of certain frames reached its value, and where it rises next.
    before = tf.searchsorted(count, tf.maximum(count, 1))
    after = tf.searchsorted(count, count + 1)
    use_after = tf.logical_and(
        after < length, tf.logical_or(count == 0, after - here < here - before)
    )
    source = tf.minimum(tf.where(use_after, after, before), length - 1)
    held = tf.gather(f0_hz, source, axis=1, batch_dims=1)
    return held * tf.cast(count[:, -1:] > 0, tf.float32)


def recording_endpoints(functions: ModelFunctions, extractor: dict | None) -> Endpoints:
    """Returns the signatures that take recordings, for `write_saved_model`.

    - `extract_features(audio)` -> "f0_hz", "f0_confidence", "loudness_db", "power_db",
      [batch, samples // hop] each; audio is [batch, samples] at the model's sample rate.
    - `transfer(audio, noise_seed)` -> "audio" [batch, samples // hop * hop]: features of the
      recording, played by the model. With "z" [batch, frames or 1, z_dims] if it has a timbre,
      and "instrument" [batch, frames or 1, instruments] if it has several.

    Args:
        functions: Functions of the model.
        extractor: Description of the extractor that measured the training data; None if unknown.

    Returns:
        Endpoints as for `write_endpoints`.
    """
    model = functions.model
    audio_spec = tf.TensorSpec([None, None], tf.float32, "audio")
    seed_spec = tf.TensorSpec([], tf.int32, "noise_seed")
    specs = {spec.name: spec for spec in functions.curve_specs(None, None)}
    vectors = {name: specs[name] for name in model.vector_sizes}

    # One graph, which `transfer` shares.
    @functools.partial(tf.function, input_signature=[audio_spec], autograph=False)
    def extract_features(audio):
        enough = tf.debugging.assert_greater_equal(
            tf.shape(audio)[1], model.hop, f"audio is shorter than a frame, {model.hop} samples"
        )
        with tf.control_dependencies([enough]):
            audio = tf.identity(audio)
        return graph_features(audio, model.sample_rate, model.hop, extractor)

    def transfer(audio, *arguments):
        *given, noise_seed = arguments
        measured = extract_features(audio)
        curves = {name: measured[name] for name in model.feature_names}
        curves |= dict(zip(vectors, given, strict=True))
        noise = seeded_noise(tf.shape(curves["f0_hz"]) * [1, model.hop], noise_seed)
        return {"audio": functions.audio(curves, noise)}

    return {
        "extract_features": (extract_features, [audio_spec]),
        "transfer": (transfer, [audio_spec, *vectors.values(), seed_spec]),
    }

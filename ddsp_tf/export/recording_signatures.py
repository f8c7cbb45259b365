"""Signatures that take recordings: their features, and the model that plays these."""

import functools
import math

import tensorflow as tf

from ddsp_tf.export.model_functions import Endpoints, ModelFunctions, seeded_noise
from ddsp_tf.features.graph_loudness import graph_loudness_db, graph_power_db
from ddsp_tf.features.live_features import LiveFeatures
from ddsp_tf.features.pitch import VOICED_CONFIDENCE
from ddsp_tf.models.sanitizing import finite

# The delay that centres the longest window of pitch on the described instant.
RECORDED_DELAY_SECONDS = 0.060
_BLOCK_FRAMES = 128


def graph_features(audio: tf.Tensor, live: LiveFeatures) -> dict[str, tf.Tensor]:
    """Measures features of recordings inside a graph.

    Pitch is that of live tracking with lookahead; frames without a pitch hold the nearest one.
    Samples that are not finite count as silence.

    Args:
        audio: Audio [batch, samples] in -1..1.
        live: Layer that measures pitch, and has the windows of the levels.

    Returns:
        Dictionary of "f0_hz" (0 if there is no pitch at all), "f0_confidence" (0..1),
        "loudness_db" and "power_db", [batch, samples // hop] each. Frame k describes sample
        k * hop.

    Example:
        >>> time = tf.range(8000, dtype=tf.float32) / 16000.0
        >>> live = LiveFeatures(16000, 250, delay_seconds=0.06)
        >>> features = graph_features(0.5 * tf.sin(time * 440.0 * 6.283185)[None], live)
        >>> {name: round(float(curve[0, 60]), -1) for name, curve in features.items()}
        {'f0_hz': 440.0, 'f0_confidence': 0.0, 'loudness_db': 10.0, 'power_db': -10.0}
    """
    settings, hop = live.settings, live.hop
    audio = tf.clip_by_value(finite(audio), -1.0, 1.0)
    f0_hz, confidence = _pitch(audio, live)
    return {
        "f0_hz": _held(f0_hz, confidence >= VOICED_CONFIDENCE),
        "f0_confidence": confidence,
        "loudness_db": graph_loudness_db(
            audio, live.sample_rate, hop, settings["loudness_fft_size"]
        ),
        "power_db": graph_power_db(audio, hop, settings["power_frame_size"]),
    }


def _pitch(audio, live):
    """Returns pitch and confidence [batch, samples // hop], block by block to save memory."""
    batch, frames = tf.shape(audio)[0], tf.shape(audio)[1] // live.hop
    # Padding makes frame k complete exactly `ahead` hops after its instant.
    ahead = math.ceil(live.delay / live.hop)
    blocks = (frames + ahead - 1 + _BLOCK_FRAMES - 1) // _BLOCK_FRAMES
    size = _BLOCK_FRAMES * live.hop
    audio = tf.pad(audio, [[0, 0], [ahead * live.hop - live.delay, blocks * size]])
    audio = tf.reshape(audio[:, : blocks * size], [batch, blocks, size])
    audio = tf.transpose(audio, [1, 0, 2])

    def listen(before, block):
        curves, state = live(block, before[2])
        return curves["f0_hz"], curves["f0_confidence"], state

    nothing = tf.zeros([batch, _BLOCK_FRAMES])
    *curves, _ = tf.scan(listen, audio, (nothing, nothing, live.initial_state(batch)))
    return tuple(
        tf.reshape(tf.transpose(curve, [1, 0, 2]), [batch, -1])[:, ahead - 1 :][:, :frames]
        for curve in curves
    )


def _held(f0_hz, voiced):
    """Replaces the pitch of unvoiced frames by that of the nearest voiced one."""
    count = tf.cumsum(tf.cast(voiced, tf.int32), axis=1)
    length = tf.shape(f0_hz)[1]
    here = tf.range(length)[None, :]
    # The frames where the count of voiced frames reached its value and where it rises next.
    before = tf.searchsorted(count, tf.maximum(count, 1))
    after = tf.searchsorted(count, count + 1)
    use_after = tf.logical_and(
        after < length, tf.logical_or(count == 0, after - here < here - before)
    )
    source = tf.minimum(tf.where(use_after, after, before), length - 1)
    held = tf.gather(f0_hz, source, axis=1, batch_dims=1)
    return held * tf.cast(count[:, -1:] > 0, tf.float32)


def recording_endpoints(functions: ModelFunctions, live: LiveFeatures) -> Endpoints:
    """Returns the signatures that take recordings, for `write_saved_model`.

    - `extract_features(audio)` -> "f0_hz", "f0_confidence", "loudness_db", "power_db",
      [batch, samples // hop] each; audio is [batch, samples] at the model's sample rate.
    - `transfer(audio, noise_seed)` -> "audio" [batch, samples // hop * hop]: features of the
      recording, played by the model. It also takes "z" [batch, frames or 1, z_dims] if the model
      has a timbre, and "instrument" [batch, frames or 1, instruments] if it has several
      instruments.

    Args:
        functions: Functions of the model.
        live: Layer that measures the recordings.

    Returns:
        Endpoints as for `write_endpoints`.
    """
    model = functions.model
    audio_spec = tf.TensorSpec([None, None], tf.float32, "audio")
    seed_spec = tf.TensorSpec([], tf.int32, "noise_seed")
    specs = {spec.name: spec for spec in functions.curve_specs(None, None)}
    vectors = {name: specs[name] for name in model.vector_sizes}

    # A single graph, which `transfer` shares.
    @functools.partial(tf.function, input_signature=[audio_spec], autograph=False)
    def extract_features(audio):
        enough = tf.debugging.assert_greater_equal(
            tf.shape(audio)[1], model.hop, f"audio is shorter than a frame, {model.hop} samples"
        )
        with tf.control_dependencies([enough]):
            audio = tf.identity(audio)
        return graph_features(audio, live)

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

"""A training loss that carries the spectral envelopes of recorded pitches over to other pitches."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from ddsp_tf.processors.harmonic import Harmonic
from ddsp_tf.typing import Tensor

# Largest shift in semitones, up or down, of the pitch at which envelopes are compared.
_MOST_SEMITONES = 6.0
# Share of a harmonic below which it counts as silent.
_LEAST_SHARE = 1e-5
# Level in dB below which a frame counts as silent.
_LEAST_DB = -60.0


def envelope_loss(
    model: Any, features: Mapping[str, Tensor], inputs: Mapping[str, Tensor], seed: Any
) -> Tensor:
    """Compares the tones that a model plays with the same tones at random other pitches.

    Args:
        model: `Autoencoder` with a `Harmonic`.
        features: Features, as for the model.
        inputs: The processors' raw inputs that the model made of them.
        seed: Seed of the shifts, one for each clip, up to 6 semitones up or down.

    Returns:
        Mean `envelope_distance` of sounding frames.
    """
    f0_hz = inputs["f0_hz"]
    harmonic, names = _harmonic_of(model)
    shape = (ops.shape(f0_hz)[0], 1, 1)
    semitones = keras.random.uniform(shape, -_MOST_SEMITONES, _MOST_SEMITONES, "float32", seed)
    ratio = ops.power(2.0, semitones / 12.0)
    shifted, _ = model.decode({**features, "f0_hz": features["f0_hz"] * ratio[:, :, 0]})
    here, there = (
        harmonic.get_controls(**{key: one[name] for key, name in names.items() if name in one})
        for one in (inputs, shifted)
    )
    shares = here["harmonic_distribution"], there["harmonic_distribution"]
    distance = envelope_distance(shares[0], shares[1], f0_hz, ratio, harmonic.sample_rate)
    sounding = f0_hz > 0.0
    if model.level_name is not None:
        sounding = ops.logical_and(sounding, features[model.level_name][:, :, None] > _LEAST_DB)
    weights = ops.cast(sounding, "float32")
    return ops.sum(weights * distance) / (ops.sum(weights) + 1e-3)


def envelope_distance(
    shares: Tensor, shifted_shares: Tensor, f0_hz: Tensor, ratio: Tensor, sample_rate: int
) -> Tensor:
    """Measures how far a tone at another pitch is from the spectral envelope of a tone.

    The envelope is interpolated between the logarithms of the harmonics. Above the highest harmonic
    below the Nyquist frequency it is unknown, and below the lowest it is constant.

    Args:
        shares: Share of each harmonic [batch, frames, n_harmonics]. It has no gradient.
        shifted_shares: The same for the tone at the other pitch.
        f0_hz: Fundamental frequency in Hz [batch, frames, 1] of the first.
        ratio: That of the other divided by it [batch, 1, 1].
        sample_rate: Samples per second.

    Returns:
        Mean absolute difference of the logarithms of the shares [batch, frames, 1], after both have
        been scaled to the same sum.

    Example:
        >>> shares = ops.convert_to_tensor([[[0.5, 0.25, 0.125, 0.125]]])
        >>> f0_hz, ratio = ops.full((1, 1, 1), 100.0), ops.full((1, 1, 1), 2.0)
        >>> octave = ops.convert_to_tensor([[[0.4, 0.2, 0.0, 0.0]]])
        >>> round(float(envelope_distance(shares, octave, f0_hz, ratio, 16000)[0, 0, 0]), 6)
        0.0
    """
    count = shares.shape[-1]
    numbers = ops.arange(1, count + 1, dtype="float32")
    places = ratio * numbers
    # One matrix for a clip interpolates all of its frames.
    away = ops.abs(ops.clip(places, 1.0, float(count)) - numbers[:, None])
    logs = ops.log(ops.maximum(ops.stop_gradient(shares), _LEAST_SHARE))
    envelope = ops.matmul(logs, ops.maximum(1.0 - away, 0.0))
    highest = ops.ceil(sample_rate / 2.0 / ops.maximum(f0_hz, 1.0)) - 1.0
    known = ops.cast(places <= ops.minimum(highest, float(count)), "float32")
    difference = _scaled(envelope, known) - _scaled(
        ops.log(ops.maximum(shifted_shares, _LEAST_SHARE)), known
    )
    total = ops.sum(known * ops.abs(difference), axis=-1, keepdims=True)
    return total / ops.maximum(ops.sum(known, axis=-1, keepdims=True), 1.0)


def has_harmonic(model: Any) -> bool:
    """Tells whether a model has a synthesizer whose envelopes can be compared."""
    return any(isinstance(one, Harmonic) for one in model.processor_group.processors)


def _harmonic_of(model):
    """Returns the first `Harmonic`, and the names of its inputs in the group."""
    group = model.processor_group
    for processor, names in zip(group.processors, group.connections, strict=True):
        if isinstance(processor, Harmonic):
            optional = {name: name for name in processor.optional_input_names}
            return processor, {**dict(zip(processor.input_names, names, strict=True)), **optional}
    raise ValueError("the model has no Harmonic")


def _scaled(logs, known):
    return logs - ops.log(ops.sum(known * ops.exp(logs), axis=-1, keepdims=True) + 1e-7)

"""Playing a model: clips with all their stems, and curves of any length block by block."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from ddsp_tf.backend.compilation import compiled
from ddsp_tf.errors import UserError
from ddsp_tf.inference.curves import (
    checked_curves,
    checked_numbers,
    checked_seed,
    checked_vectors,
)

# Names of stems that differ from the names of processors in the shipped configurations.
_STEM_NAMES = {"filtered_noise": "noise", "reverb": "wet"}


def stem_name(processor: str) -> str:
    """Returns the name of a processor's stem.

    Args:
        processor: Name of the processor.

    Returns:
        Name of the stem: "noise" and "wet" for filtered noise and reverb, otherwise the same name.

    Example:
        >>> stem_name("filtered_noise"), stem_name("harmonic")
        ('noise', 'harmonic')
    """
    return _STEM_NAMES.get(processor, processor)


def white_noise(shape: Sequence[int], seed: int) -> np.ndarray:
    """Draws the noise that a noise synthesizer filters.

    Args:
        shape: Shape of the noise, usually (batch, samples).
        seed: Seed; the same one gives the same noise.

    Returns:
        Uniform noise in [-1, 1), float32.

    Example:
        >>> white_noise((2, 3), seed=0).shape
        (2, 3)
    """
    return np.random.default_rng(seed).uniform(-1.0, 1.0, shape).astype(np.float32)


def render_stems(model: Any, features: Mapping[str, np.ndarray], seed: int = 0) -> dict:
    """Plays clips and returns the audio with all its stems.

    Frames with NaN or infinity are silent.

    Args:
        model: `Autoencoder` to play.
        features: Dictionary of [batch, frames] arrays, such as f0_hz in Hz and loudness_db in dB;
            for a model with a timbre also "z" [batch, frames or 1, z_dims], or "audio" [batch,
            frames * hop] with the timbre to use; and for one with several instruments "instrument"
            [batch, frames or 1, instruments].
        seed: Seed of the noise, 0 to 2**32 - 1.

    Returns:
        Dictionary of [batch, frames * hop] arrays: "reconstruction", and one stem per processor
        before the last, such as "harmonic", "noise" and "dry".

    Raises:
        UserError: If a feature is missing, not numeric, or has another shape.

    Example:
        >>> from ddsp_tf.configuration.experiment import load_experiment
        >>> model = load_experiment("demo").model
        >>> curves = {"f0_hz": np.full((1, 10), 440.0), "loudness_db": np.full((1, 10), -20.0)}
        >>> sorted(render_stems(model, curves))
        ['dry', 'harmonic', 'noise', 'reconstruction']
    """
    curves = checked_curves(model, features, rank=2)
    batch, frames = curves["f0_hz"].shape
    optional = {name: features[name] for name in model.optional_feature_names if name in features}
    for name, size in model.vector_sizes.items():
        if name in optional:
            shapes = (batch, frames, size), (batch, 1, size)
            curves[name] = checked_vectors(name, optional[name], shapes)
    if "audio" in optional:
        audio = checked_numbers("audio", optional["audio"])
        if audio.shape != (batch, frames * model.hop):
            raise UserError(
                f"audio has the shape {list(audio.shape)}; expected {[batch, frames * model.hop]}"
            )
        curves["audio"] = audio
    curves["noise"] = white_noise((batch, frames * model.hop), checked_seed(seed))
    signals, _ = compiled(_built(model).render, any_length=True)(curves)
    signals = {stem_name(name): np.asarray(audio) for name, audio in signals.items()}
    # Not the last entry of the dictionary, because JAX sorts it by name.
    last = stem_name(model.processor_group.processors[-1].name)
    parts = {name: audio for name, audio in signals.items() if name != last}
    return {"reconstruction": signals[last], **parts}


def synthesize(
    model: Any, features: Mapping[str, np.ndarray], seed: int = 0, block_frames: int = 500
) -> Iterator[np.ndarray]:
    """Plays curves of any length block by block, in constant memory.

    Blocks join without a seam, because the model's state passes from one to the next. Frames with
    NaN or infinity are silent.

    Args:
        model: `Autoencoder`, `ExportedModel`, or another object with `feature_names`,
            `vector_sizes`, `sample_rate`, `hop`, `latency`, `initial_state` and `stream`.
        features: Dictionary of [frames] arrays, such as f0_hz in Hz and loudness_db in dB. A model
            with a timbre plays "z", [z_dims] or [frames, z_dims], or without it its mean timbre;
            one with several instruments plays "instrument", [instruments] or [frames,
            instruments], or without it all in equal shares.
        seed: Seed of the noise, 0 to 2**32 - 1.
        block_frames: Number of frames computed at once, at least 1.

    Yields:
        float32 audio, frames * hop samples in total.

    Raises:
        UserError: If a feature that the model needs is missing, not numeric, empty or of another
            length, or z, instrument, seed or block_frames is out of range.

    Example:
        >>> from ddsp_tf.configuration.experiment import load_experiment
        >>> model = load_experiment("demo").model
        >>> curves = {"f0_hz": np.full(30, 440.0), "loudness_db": np.full(30, -20.0)}
        >>> sum(len(block) for block in synthesize(model, curves, block_frames=8))
        4800
    """
    if not isinstance(block_frames, int) or block_frames < 1:
        raise UserError(f"block_frames is {block_frames!r}; expected a whole number from 1")
    curves = checked_curves(model, features, rank=1)
    frames = len(curves["f0_hz"])
    # The last frame is held until the signal with the largest latency has come out.
    extra = -(-model.latency // model.hop)
    curves = {name: np.pad(curve, (0, extra), mode="edge") for name, curve in curves.items()}
    for name, size in model.vector_sizes.items():
        if features.get(name) is not None:
            vectors = checked_vectors(name, features[name], ((size,), (frames, size)))
            vectors = np.broadcast_to(vectors, (frames, size))
            curves[name] = np.pad(vectors, ((0, extra), (0, 0)), mode="edge")
    generator = np.random.default_rng(checked_seed(seed))
    state = _built(model).initial_state(1)
    stream = compiled(model.stream)
    skip, left = model.latency, frames * model.hop
    for start in range(0, frames + extra, block_frames):
        block = {name: curve[None, start : start + block_frames] for name, curve in curves.items()}
        samples = block["f0_hz"].shape[1] * model.hop
        # After the end of the curves there is no excitation, only the remaining sound.
        noise = generator.uniform(-1.0, 1.0, (1, samples)).astype(np.float32)
        noise[:, max(frames * model.hop - start * model.hop, 0) :] = 0.0
        audio, state = stream({**block, "noise": noise}, state)
        audio = np.asarray(audio)[0]
        audio, skip = audio[skip:], max(skip - len(audio), 0)
        audio, left = audio[:left], left - len(audio[:left])
        if len(audio):
            yield audio


def _built(model: Any) -> Any:
    if isinstance(model, keras.Model) and not model.built:
        model.build()
    return model

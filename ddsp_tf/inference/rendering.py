"""Playing a model: whole clips with all their stems, and pieces of any length block by block."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ddsp_tf.backend.compilation import in_graph
from ddsp_tf.errors import UserError

# Names a listener understands, for the nodes of the shipped configurations.
_STEM_NAMES = {"filtered_noise": "noise"}


def white_noise(shape: Sequence[int], seed: int) -> np.ndarray:
    """Draws the noise that a noise synthesizer filters.

    Args:
        shape: Usually (batch, samples).
        seed: The same seed gives the same noise.

    Returns:
        Uniform noise in [-1, 1), float32.

    Example:
        >>> white_noise((2, 3), seed=0).shape
        (2, 3)
    """
    return np.random.default_rng(seed).uniform(-1.0, 1.0, shape).astype(np.float32)


def render_stems(model: Any, features: Mapping[str, np.ndarray], seed: int = 0) -> dict:
    """Plays clips and returns the audio with all the parts it is made of.

    Args:
        model: An `Autoencoder`.
        features: Dictionary of [batch, frames] arrays, such as f0_hz and loudness_db; of a model
            with timbre also "z" [batch, frames, z_dims], or "audio" [batch, samples] to hear it.
        seed: Seed of the noise.

    Returns:
        Dictionary of [batch, samples] arrays: "reconstruction" and one entry for every other
        processor, such as "harmonic", "noise" and "dry".

    Example:
        >>> from ddsp_tf.configuration.experiment import load_experiment
        >>> model = load_experiment("demo").model
        >>> curves = {"f0_hz": np.full((1, 10), 440.0), "loudness_db": np.full((1, 10), -20.0)}
        >>> sorted(render_stems(model, curves))
        ['dry', 'harmonic', 'noise', 'reconstruction']
    """
    batch, frames = np.shape(features["f0_hz"])
    optional = [name for name in model.optional_feature_names if name in features]
    names = (*model.feature_names, *optional)
    curves = {name: np.asarray(features[name], np.float32) for name in names}
    curves["noise"] = white_noise((batch, frames * model.hop), seed)
    signals, _ = in_graph(model, "render")(curves)
    signals = {_STEM_NAMES.get(name, name): np.asarray(audio) for name, audio in signals.items()}
    # Not the last of the dictionary: JAX sorts it by name.
    output = model.processor_group.processors[-1].name
    last = _STEM_NAMES.get(output, output)
    parts = {name: audio for name, audio in signals.items() if name != last}
    return {"reconstruction": signals[last], **parts}


def synthesize(
    model: Any, features: Mapping[str, np.ndarray], seed: int = 0, block_frames: int = 500
) -> Iterator[np.ndarray]:
    """Plays a piece of any length block by block, in memory that does not grow with it.

    Blocks join without a seam: the model's state goes from one to the next.

    Args:
        model: An `Autoencoder`, or an exported model (`ExportedModel`): anything with
            `feature_names`, `z_dims`, `hop`, `latency`, `initial_state` and `stream`.
        features: Dictionary of [frames] arrays, such as f0_hz and loudness_db; for a model with a
            timbre also "z", [z_dims] or [frames, z_dims], else it plays its mean timbre.
        seed: Seed of the noise.
        block_frames: Frames computed at once.

    Yields:
        float32 audio, in all frames * hop samples.

    Raises:
        UserError: If a feature that the model needs is missing, there are no frames, or z has
            another shape.

    Example:
        >>> from ddsp_tf.configuration.experiment import load_experiment
        >>> model = load_experiment("demo").model
        >>> curves = {"f0_hz": np.full(30, 440.0), "loudness_db": np.full(30, -20.0)}
        >>> sum(len(block) for block in synthesize(model, curves, block_frames=8))
        4800
    """
    missing = [name for name in model.feature_names if name not in features]
    if missing:
        raise UserError(f"the features lack {missing[0]!r}, which the model needs")
    curves = {name: np.asarray(features[name], np.float32) for name in model.feature_names}
    frames = len(curves["f0_hz"])
    if frames == 0:
        raise UserError("the features have no frames; expected at least one")
    # The last frame is held until the slowest signal has come out.
    extra = -(-model.latency // model.hop)
    curves = {name: np.pad(curve, (0, extra), mode="edge") for name, curve in curves.items()}
    if model.z_dims and features.get("z") is not None:
        z = np.asarray(features["z"], np.float32)
        if z.shape not in ((model.z_dims,), (frames, model.z_dims)):
            raise UserError(
                f"z has the shape {z.shape}; expected [{model.z_dims}] or "
                f"[{frames} frames, {model.z_dims}]"
            )
        z = np.broadcast_to(z, (frames, z.shape[-1]))
        curves["z"] = np.pad(z, ((0, extra), (0, 0)), mode="edge")
    generator = np.random.default_rng(seed)
    state = model.initial_state(1)
    stream = in_graph(model, "stream")
    skip, left = model.latency, frames * model.hop
    for start in range(0, frames + extra, block_frames):
        block = {name: curve[None, start : start + block_frames] for name, curve in curves.items()}
        samples = block["f0_hz"].shape[1] * model.hop
        # Nothing is excited after the piece's end: only what still sounds comes out.
        noise = generator.uniform(-1.0, 1.0, (1, samples)).astype(np.float32)
        noise[:, max(frames * model.hop - start * model.hop, 0) :] = 0.0
        audio, state = stream({**block, "noise": noise}, state)
        audio = np.asarray(audio)[0]
        audio, skip = audio[skip:], max(skip - len(audio), 0)
        audio, left = audio[:left], left - len(audio[:left])
        if len(audio):
            yield audio

"""Whole pieces for LiteRT: the streaming graph in a loop.

LiteRT runs what it knows the size of several times faster, and a recurrence over a sequence of
unknown length copies that sequence at every step. So the piece is played in blocks of a fixed
number of frames; only the loop around them knows how many there are, and only the audio grows.
"""

import tensorflow as tf

from ddsp_tf.export.graphs import ExportGraphs

# Frames computed at once: enough to share the reading of the weights, few enough that a
# recurrence over them copies little.
BLOCK_FRAMES = 25


def synthesize_in_blocks(graphs: ExportGraphs, curves: dict, noise):
    """Plays whole curves block by block.

    Args:
        graphs: The model's functions, for blocks of `BLOCK_FRAMES`.
        curves: Dictionary of [1, frames] curves ("z": [1, frames, z_dims]); the number of frames
            may be unknown, and 0.
        noise: [1, frames * hop] in [-1, 1].

    Returns:
        [1, frames * hop] audio, equal to `ExportGraphs.audio`.
    """
    model = graphs.model
    hop, latency, outputs = model.hop, model.latency, model.decoder.output_sizes
    inner = max(round(model.frame_rate / BLOCK_FRAMES), 1)
    block, second = BLOCK_FRAMES, inner * BLOCK_FRAMES
    frames = tf.shape(curves["f0_hz"])[1]
    # The last frame's controls are held until the slowest signal has come out, without noise.
    extra = -(-latency // hop)
    count = (frames + extra + second - 1) // second
    place = tf.minimum(tf.range(count * second), tf.maximum(frames - 1, 0))
    inputs = {name: tf.gather(_one_more(curve), place, axis=1) for name, curve in curves.items()}
    spare = (second + extra) * hop
    inputs["noise"] = tf.pad(noise, [[0, 0], [0, spare]])[:, : count * second * hop]

    def play_block(first, inputs, frame, state):
        parts = {name: _part(value, name, frame, block, hop) for name, value in inputs.items()}
        noise = parts.pop("noise")
        held = {name: value for name, value in state.items() if name in outputs}

        def hold(controls):
            # Frame by frame its own place in the block, or the last one's; 0 is what was before.
            left = tf.maximum(frames - first - frame, 0)
            source = tf.minimum(left, tf.range(1, block + 1))
            for name in held:
                line = tf.concat([held[name], controls[name]], axis=1)
                controls[name] = tf.gather(line, source, axis=1)
                held[name] = controls[name][:, -1:]
            return controls

        audio, state = graphs.step(parts, noise, state, hold)
        return audio, {**state, **held}

    def play_second(number, state):
        parts = {
            name: _part(value, name, number * second, second, hop) for name, value in inputs.items()
        }
        # A loop in a loop, because each one copies all of its audio at every turn.
        return _loop(
            inner,
            block * hop,
            lambda turn, state: play_block(number * second, parts, turn * block, state),
            state,
        )

    start = {name: tf.zeros((1, 1, size)) for name, size in outputs.items()}
    audio, _ = _loop(count, second * hop, play_second, {**start, **graphs.initial_state(1)})
    return audio[:, latency : latency + frames * hop]


def _one_more(curve):
    # So that there is something to read where there are no frames.
    return tf.pad(curve, [[0, 0], [0, 1]] + [[0, 0]] * (len(curve.shape) - 2))


def _part(value, name: str, first_frame, frames: int, hop: int):
    if name == "noise":
        return tf.slice(value, [0, first_frame * hop], [1, frames * hop])
    if name == "z":
        return tf.slice(value, [0, first_frame, 0], [1, frames, value.shape[-1]])
    return tf.slice(value, [0, first_frame], [1, frames])


def _loop(count, samples: int, play, state: dict):
    """Joins `count` times `play(number, state) -> ([1, samples], state)`."""
    names = list(state)

    def turn(number, pieces, *values):
        audio, state = play(number, dict(zip(names, values, strict=True)))
        pieces = pieces.write(number, tf.reshape(audio, [samples]))
        return number + 1, pieces, *(state[name] for name in names)

    pieces = tf.TensorArray(tf.float32, count, element_shape=[samples])
    start = (0, pieces, *state.values())
    _, pieces, *values = tf.while_loop(lambda number, *_: number < count, turn, start)
    return tf.reshape(pieces.stack(), [1, -1]), dict(zip(names, values, strict=True))

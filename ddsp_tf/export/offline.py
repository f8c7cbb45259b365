"""Playing curves of unknown length in LiteRT: the streaming graph in a loop.

LiteRT runs graphs of known sizes several times faster. Curves are therefore played in blocks with a
fixed number of frames, and only the loops around the blocks have an unknown length.
"""

import tensorflow as tf

from ddsp_tf.export.model_functions import ModelFunctions

# Frames computed at once: enough to amortize reading the weights, and more if frames are short.
_FRAMES = (100, 250)
_SAMPLES = 16000
# Blocks in one iteration of the outer loop. A loop copies all its audio in every iteration: the
# inner loop only that of these blocks, the outer one all of it, but rarely.
_BLOCKS = 16


def block_frames(hop: int) -> int:
    """Returns the number of frames in a block.

    Args:
        hop: Samples per frame.

    Returns:
        Number of frames in 16000 samples, limited to 100..250; a multiple of 10, because loops over
        frames are partly unrolled.

    Example:
        >>> [block_frames(hop) for hop in (32, 64, 128, 192, 320)]
        [250, 250, 120, 100, 100]
    """
    least, most = _FRAMES
    return min(max(_SAMPLES // hop, least), most) // 10 * 10


def synthesize_in_blocks(functions: ModelFunctions, curves: dict, noise):
    """Plays complete curves block by block.

    Args:
        functions: Functions of the model, for blocks of `block_frames`.
        curves: Dictionary of [1, frames] curves (vectors: [1, frames, size]); the number of frames
            may be unknown or 0.
        noise: Noise [1, frames * hop] in [-1, 1].

    Returns:
        [1, frames * hop] audio, equal to `ModelFunctions.audio`.
    """
    model = functions.model
    hop, latency, outputs = model.hop, model.latency, model.decoder.output_sizes
    block = block_frames(hop)
    many = _BLOCKS * block
    frames = tf.shape(curves["f0_hz"])[1]
    # The last frame's controls are held, without noise, until the signal with the largest latency
    # has come out.
    extra = -(-latency // hop)
    n_blocks = (frames + extra + block - 1) // block
    turns = (n_blocks + _BLOCKS - 1) // _BLOCKS
    place = tf.minimum(tf.range(turns * many), tf.maximum(frames - 1, 0))
    inputs = {name: tf.gather(_one_more(curve), place, axis=1) for name, curve in curves.items()}
    spare = (many + extra) * hop
    inputs["noise"] = tf.pad(noise, [[0, 0], [0, spare]])[:, : turns * many * hop]

    def play_block(first, inputs, frame, state):
        parts = {name: _part(value, name, frame, block, hop) for name, value in inputs.items()}
        noise = parts.pop("noise")
        held = {name: value for name, value in state.items() if name in outputs}

        def hold(controls):
            # Each frame reads its own position in the block, or that of the last frame of the
            # curves; position 0 is the frame before the block.
            left = tf.maximum(frames - first - frame, 0)
            source = tf.minimum(left, tf.range(1, block + 1))
            for name in held:
                line = tf.concat([held[name], controls[name]], axis=1)
                controls[name] = tf.gather(line, source, axis=1)
                held[name] = controls[name][:, -1:]
            return controls

        audio, state = functions.step(parts, noise, state, hold)
        return audio, {**state, **held}

    def play_blocks(turn, state):
        first = turn * many
        parts = {name: _part(value, name, first, many, hop) for name, value in inputs.items()}
        return _loop(
            tf.minimum(n_blocks - turn * _BLOCKS, _BLOCKS),
            _BLOCKS,
            block * hop,
            lambda number, state: play_block(first, parts, number * block, state),
            state,
        )

    start = {name: tf.zeros((1, 1, size)) for name, size in outputs.items()}
    start |= functions.initial_state(1)
    audio, _ = _loop(turns, turns, many * hop, play_blocks, start)
    return audio[:, latency : latency + frames * hop]


def _one_more(curve):
    # Even without frames, there must be one to read.
    return tf.pad(curve, [[0, 0], [0, 1]] + [[0, 0]] * (len(curve.shape) - 2))


def _part(value, name: str, first_frame, frames: int, hop: int):
    if name == "noise":
        return tf.slice(value, [0, first_frame * hop], [1, frames * hop])
    if len(value.shape) == 3:
        return tf.slice(value, [0, first_frame, 0], [1, frames, value.shape[-1]])
    return tf.slice(value, [0, first_frame], [1, frames])


def _loop(turns, room, samples: int, play, state: dict):
    """Concatenates `turns` results of `play(number, state) -> ([1, samples], state)`.

    Silence fills the rest of the `room` results.
    """
    names = list(state)

    def turn(number, pieces, *values):
        audio, state = play(number, dict(zip(names, values, strict=True)))
        pieces = pieces.write(number, tf.reshape(audio, [samples]))
        return number + 1, pieces, *(state[name] for name in names)

    pieces = tf.TensorArray(tf.float32, room, element_shape=[samples])
    start = (0, pieces, *state.values())
    _, pieces, *values = tf.while_loop(lambda number, *_: number < turns, turn, start)
    return tf.reshape(pieces.stack(), [1, -1]), dict(zip(names, values, strict=True))

"""CREPE: a convolutional network for pitch, and the decoding of its activation.

Kim, Salamon, Li and Bello, "CREPE: A Convolutional Representation for Pitch Estimation" (2018).
"""

import keras
import numpy as np

CAPACITIES = {"tiny": 4, "small": 8, "medium": 16, "large": 24, "full": 32}
SAMPLE_RATE = 16000
FRAME_SIZE = 1024
BINS = 360
# Bin 0 lies 1997.38 cents above 10 Hz, the last one 7180 cents higher, near 2006 Hz.
BIN_CENTS = 1997.3794084376191 + np.linspace(0.0, 7180.0, BINS)
FILTERS = (32, 4, 4, 4, 8, 16)
_NEIGHBOURS = 4
_GLIDE_BINS = 12


def crepe_network(capacity: str = "full") -> keras.Model:
    """Builds the network with random weights; `crepe_weights.load_weights` loads the official ones.

    Args:
        capacity: Size of the network, "tiny", "small", "medium", "large" or "full": 4, 8, 16, 24 or
            32 times the smallest number of filters.

    Returns:
        Model from frames [batch, 1024] of `normalized_frames` to the activation of pitch bins
        [batch, 360], 0..1. Bin k stands for `BIN_CENTS[k]` cents above 10 Hz.

    Raises:
        KeyError: If there is no such capacity.

    Example:
        >>> crepe_network("tiny").count_params()
        487096
    """
    layers = keras.layers
    inputs = keras.Input((FRAME_SIZE,), name="frames")
    x = layers.Reshape((FRAME_SIZE, 1))(inputs)
    for number, filters in enumerate(FILTERS, start=1):
        width, stride = (512, 4) if number == 1 else (64, 1)
        x = layers.Conv1D(
            filters * CAPACITIES[capacity],
            width,
            stride,
            padding="same",
            activation="relu",
            name=f"conv{number}",
        )(x)
        x = layers.BatchNormalization(name=f"conv{number}-BN")(x)
        x = layers.MaxPooling1D(2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(BINS, activation="sigmoid", name="classifier")(x)
    return keras.Model(inputs, x, name=f"crepe_{capacity}")


def normalized_frames(audio: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Cuts out frames and normalizes each to zero mean and unit variance.

    Args:
        audio: Mono audio [samples] at 16 kHz; silence beyond both ends.
        centres: Centres of the frames in samples, integers in 0..samples [frames].

    Returns:
        float32 [frames, 1024].

    Example:
        >>> frames = normalized_frames(np.arange(2048.0), np.array([512, 1024]))
        >>> bool(np.allclose(frames[0], frames[1])), round(float(frames.std()), 3)
        (True, 1.0)
    """
    padded = np.pad(np.asarray(audio, np.float32), (FRAME_SIZE // 2, FRAME_SIZE))
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME_SIZE)[centres]
    frames = frames - frames.mean(axis=1, keepdims=True)
    return frames / np.maximum(frames.std(axis=1, keepdims=True), 1e-8)


def pitch_of_activation(activation: np.ndarray, viterbi: bool = False) -> np.ndarray:
    """Reads pitch from the activation: the weighted mean of the bins around the best one.

    Args:
        activation: Activation of the pitch bins [frames, 360]; a frame of zeros does not influence
            the path.
        viterbi: Whether the best bins come from the likeliest path through all frames, which
            moves less than 12 bins (240 cents) per frame, instead of each frame's largest.

    Returns:
        Pitch in Hz, float64 [frames].

    Example:
        >>> activation = np.zeros((1, 360))
        >>> activation[0, 100:102] = 0.5
        >>> pitch_of_activation(activation).round(2).tolist()
        [101.22]
    """
    best = _likeliest_path(activation) if viterbi else np.argmax(activation, axis=1)
    bins = best[:, None] + np.arange(-_NEIGHBOURS, _NEIGHBOURS + 1)
    inside = (bins >= 0) & (bins < BINS)
    bins = np.clip(bins, 0, BINS - 1)
    weights = np.take_along_axis(activation, bins, axis=1).astype(np.float64) * inside
    total = np.maximum(weights.sum(axis=1), 1e-30)
    return 10.0 * 2.0 ** ((weights * BIN_CENTS[bins]).sum(axis=1) / total / 1200.0)


def _likeliest_path(activation: np.ndarray) -> np.ndarray:
    """Viterbi path of the official CREPE's hidden Markov model.

    The probability of a transition from bin i to j falls linearly with their distance, to zero at
    12 bins. A bin is observed as itself with probability 0.1 plus its share of the remaining 0.9.
    """
    frames = activation.shape[0]
    observed = np.argmax(activation, axis=1)
    moves = np.arange(-_GLIDE_BINS + 1, _GLIDE_BINS)
    likelihood = (_GLIDE_BINS - np.abs(moves)).astype(np.float64)
    origins = np.arange(BINS)[:, None] + moves
    inside = (origins >= 0) & (origins < BINS)
    # Near the ends there are fewer transitions: each bin's probabilities are normalized.
    leaving = (np.where(inside, likelihood, 0.0)).sum(axis=1)
    origins = np.clip(origins, 0, BINS - 1)
    with np.errstate(divide="ignore"):
        transition = np.log(np.where(inside, likelihood / leaving[origins], 0.0))
    bonus = np.log(0.1 + 0.9 / BINS) - np.log(0.9 / BINS)
    came_from = np.empty((frames, BINS), np.int16)
    score = np.zeros(BINS)
    rows = np.arange(BINS)
    for frame, seen in enumerate(observed):
        if frame:
            options = score[origins] + transition
            choice = np.argmax(options, axis=1)
            came_from[frame] = origins[rows, choice]
            score = options[rows, choice]
            score -= score.max()
        score[seen] += bonus * (activation[frame, seen] > 0.0)
    path = np.empty(frames, np.int64)
    if frames:
        path[-1] = np.argmax(score)
        for frame in range(frames - 1, 0, -1):
            path[frame - 1] = came_from[frame, path[frame]]
    return path

"""Loudness of tensors equals loudness of arrays, in a graph and on either backend."""

import numpy as np
import pytest
from backends import compiled, tensorflow_only, to_numpy, with_unknown_length

from ddsp_tf.features.graph_loudness import (
    frames_loudness_db,
    graph_loudness_db,
    graph_power_db,
)
from ddsp_tf.features.loudness import frame_loudness_db, loudness_db, power_db


def sounds(rng, samples=8000):
    """Noise, a fading sine over rumble, and silence with a click."""
    time = np.arange(samples)
    audio = np.zeros((3, samples), np.float32)
    audio[0] = 0.1 * rng.normal(size=samples)
    audio[1] = np.sin(0.3 * time) * 10.0 ** (-5.0 * time / samples) + 0.01 * np.sin(0.005 * time)
    audio[2, samples // 2] = 1e-3
    return audio


@pytest.mark.parametrize(
    ("sample_rate", "hop", "size"), [(16000, 64, 512), (44100, 147, 2048), (48000, 480, 1024)]
)
def test_tensors_measure_as_arrays_do(rng, sample_rate, hop, size):
    audio = sounds(rng)
    loudness = compiled(lambda tensor: graph_loudness_db(tensor, sample_rate, hop, size))(audio)
    power = compiled(lambda tensor: graph_power_db(tensor, hop, size))(audio)
    expected = loudness_db(audio, sample_rate, hop, size)
    assert expected.min() == -80.0
    assert expected.max() > 0.0
    np.testing.assert_allclose(to_numpy(loudness), expected, rtol=0, atol=1e-3)
    np.testing.assert_allclose(to_numpy(power), power_db(audio, hop, size), rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "function"),
    [("spectral_ops_loudness", "compute_loudness"), ("spectral_ops_power", "compute_power")],
)
def test_tensors_equal_the_original(golden, name, function):
    arrays, cases = golden(name)
    checked = 0
    for case in cases.values():
        kwargs = case["kwargs"]
        if not case["call"].endswith(function) or kwargs.get("padding", "center") != "center":
            continue
        audio = np.atleast_2d(arrays[case["inputs"]["audio"]])
        hop = 16000 // kwargs.get("frame_rate", 250)
        reference = kwargs.get("ref_db", 0.0)
        if function == "compute_loudness":
            floor_db = reference - kwargs.get("range_db", 80.0)
            ours = graph_loudness_db(audio, 16000, hop, kwargs.get("n_fft", 512), floor_db)
        else:
            ours = graph_power_db(audio, hop, kwargs.get("frame_size", 512)) + reference
        expected = np.atleast_2d(arrays[case["outputs"]["out"]])[..., :-1]
        np.testing.assert_allclose(to_numpy(ours) - reference, expected, rtol=0, atol=1e-3)
        checked += 1
    assert checked >= 3


@tensorflow_only
def test_graph_of_unknown_shape_gives_the_same(rng):
    audio = sounds(rng, 3000)
    for function in (
        lambda tensor: graph_loudness_db(tensor, 16000, 64),
        lambda tensor: graph_power_db(tensor, 64),
    ):
        for samples in (3000, 64, 63):
            expected = to_numpy(function(audio[:, :samples]))
            assert expected.shape == (3, samples // 64)
            measured = with_unknown_length(function, audio[:, :samples])
            np.testing.assert_allclose(measured, expected, rtol=0, atol=1e-3)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="hop 0"):
        graph_power_db(np.zeros((1, 100)), 0)
    with pytest.raises(ValueError, match=r"shape \(100,\)"):
        graph_loudness_db(np.zeros(100), 16000, 64)


@pytest.mark.parametrize(("sample_rate", "size"), [(44100, 1408), (48000, 1536), (16000, 7)])
def test_frames_padded_to_a_power_of_two_measure_the_same(rng, sample_rate, size):
    time = np.arange(size) / sample_rate
    frames = rng.normal(size=(4, size)) * np.array([[1.0], [1e-3], [0.0], [0.0]])
    frames[2] = 0.5 * np.sin(
        2 * np.pi * 50 * time
    )  # Attenuated by 30 dB, so that errors would show.
    frames = frames.astype(np.float32)
    measure = compiled(lambda tensor: frames_loudness_db(tensor, sample_rate, power_of_two=True))
    expected = frame_loudness_db(frames, sample_rate)
    np.testing.assert_allclose(to_numpy(measure(frames)), expected, atol=1e-3)

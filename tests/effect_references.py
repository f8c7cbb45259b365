"""Plain numpy versions in float64 of the effects, written to be read, not to be fast."""

import numpy as np
import references


def exp_sigmoid(raw):
    """The scale from raw network outputs to gains."""
    return 2.0 / (1.0 + np.exp(-np.float64(raw))) ** np.log(10.0) + 1e-7


def wet(signal, impulse_response):
    """Rows convolved with one response [taps] or their own [batch, taps], cut to the signal."""
    responses = np.broadcast_to(impulse_response, (len(signal), np.shape(impulse_response)[-1]))
    rows = [
        np.convolve(np.float64(row), np.float64(response))
        for row, response in zip(signal, responses, strict=True)
    ]
    return np.stack(rows)[:, : np.shape(signal)[1]]


def with_direct_sound(impulse_response, gain=1.0):
    """The response with its first tap replaced."""
    response = np.array(impulse_response, np.float64)
    response[..., 0] = gain
    return response


def decaying_noise(gain, decay, noise):
    """Noise under an exponential envelope; gain and decay [batch, 1], noise [taps]."""
    taps = np.shape(noise)[-1]
    envelope = np.exp(-np.float64(decay) * np.arange(taps) / (taps - 1))
    return np.float64(gain) * envelope * noise


def filtered_noise_response(magnitudes, noise):
    """Noise [batch, taps] through magnitudes [batch, frames, n_bands], not delayed."""
    hop, radius = noise.shape[1] // magnitudes.shape[1], magnitudes.shape[2] - 1
    return references.filtered_frames(noise, magnitudes, hop)[:, radius : radius + noise.shape[1]]


def _kernel(distance, interpolation):
    """Weight of a sample by its distance from the place that is read."""
    x = abs(distance)
    if interpolation == "linear":
        return max(1.0 - x, 0.0)
    if x < 1.0:
        return 1.5 * x**3 - 2.5 * x**2 + 1.0
    return -0.5 * x**3 + 2.5 * x**2 - 4.0 * x + 2.0 if x < 2.0 else 0.0


def delayed(signal, delay, interpolation):
    """Each sample read `delay` samples ago, both [batch, samples]; silence before and after."""
    signal, result = np.float64(signal), np.zeros(np.shape(signal))
    for row, n in np.ndindex(result.shape):
        place = n - float(delay[row, n])
        for k in range(int(np.floor(place)) - 1, int(np.floor(place)) + 3):
            if 0 <= k < result.shape[1]:
                result[row, n] += _kernel(place - k, interpolation) * signal[row, k]
    return result


def mod_delay(signal, gain, phase, hop, centre, depth, add_dry=True, interpolation="cubic"):
    """A signal and its copy; gain and phase [batch, frames], centre and depth in samples."""
    delay = centre + depth * (2.0 * references.samples_of(phase, hop) - 1.0)
    copy = references.samples_of(gain, hop) * delayed(signal, delay, interpolation)
    return copy + signal if add_dry else copy


def slope(function, array, index, step=1e-6):
    """Central finite difference, in float64, of a scalar function by one element."""
    low, high = np.array(array, np.float64), np.array(array, np.float64)
    low[index] -= step
    high[index] += step
    return (function(high) - function(low)) / (high[index] - low[index])


def check_slopes(ours, function, array, indices, rtol=1e-3, atol=1e-4):
    """Compares a gradient with finite differences at some elements, float32 in mind."""
    scale = np.abs(ours).max()
    for index in indices:
        expected = slope(function, array, index)
        np.testing.assert_allclose(ours[index], expected, rtol=rtol, atol=atol * scale)

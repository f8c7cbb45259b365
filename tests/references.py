"""Plain numpy versions in float64 of the signal processing, written to be read, not to be fast."""

import numpy as np


def cycle_distance(a, b):
    """Distance of two phases in cycles, 0 .. 0.5, whole cycles apart being the same."""
    difference = np.asarray(a, np.float64) - np.asarray(b, np.float64)
    return np.abs(difference - np.round(difference))


def snr_db(signal, reference):
    """Level of a reference over the error of a signal."""
    error = np.asarray(signal, np.float64) - reference
    return 10.0 * np.log10(np.sum(reference**2) / np.sum(error**2))


def samples_of(frames, hop):
    """Linear interpolation along axis 1, the last frame held: [batch, frames] to samples."""
    frames = np.concatenate([frames, frames[:, -1:]], axis=1).astype(np.float64)
    position = np.arange((frames.shape[1] - 1) * hop) / hop
    return np.stack([np.interp(position, np.arange(len(row)), row) for row in frames])


def hann_samples_of(frames, hop):
    """Overlapped Hann windows of two hops, each centred on its frame; the last frame held."""
    frames = np.concatenate([frames, frames[:, -1:]], axis=1).astype(np.float64)
    window = 0.5 - 0.5 * np.cos(np.pi * np.arange(2 * hop) / hop)
    result = np.zeros((frames.shape[0], (frames.shape[1] + 1) * hop))
    for k in range(frames.shape[1]):
        result[:, k * hop : (k + 2) * hop] += frames[:, k : k + 1] * window
    return result[:, hop:-hop]


def phase_after_frames(f0_hz, next_f0_hz, hop, sample_rate):
    """Phase in cycles, 0..1, after each frame: exact sums of integers, [batch, frames]."""
    # Float64 would lose 1e-4 cycles within an hour. A float32 above 1 is a multiple of 2 ** -23.
    here, there = (
        np.round(np.asarray(f, np.float64) * 2.0**23).astype(np.int64) for f in (f0_hz, next_f0_hz)
    )
    # In units of 1 / (2 * sample_rate) cycles the frame's samples advance by this much.
    advance = 2 * hop * here + (hop - 1) * (there - here)
    modulus = 2 * sample_rate * 2**23
    return np.cumsum(advance % modulus, axis=1) % modulus / modulus


def harmonic_signal(harmonics, f0_hz, hop, sample_rate, interpolation="hann"):
    """Sum of sines: amplitudes [batch, frames, harmonics] and f0 [batch, frames] to audio."""
    phase = 2.0 * np.pi * np.cumsum(samples_of(f0_hz, hop), axis=1) / sample_rate
    to_samples = {"hann": hann_samples_of, "linear": samples_of}[interpolation]
    return sum(
        to_samples(harmonics[:, :, k], hop) * np.sin((k + 1) * phase)
        for k in range(harmonics.shape[-1])
    )


def below_nyquist(harmonics, f0_hz, sample_rate):
    """Removes, frame by frame, the harmonics that do not lie below half the sample rate."""
    multiples = np.arange(1, harmonics.shape[-1] + 1)
    return np.where(f0_hz[:, :, None] * multiples < sample_rate / 2, harmonics, 0.0)


def zero_phase_response(magnitudes):
    """Hann-windowed impulse response of gains at 0 Hz .. Nyquist, its middle at time zero."""
    response = np.fft.fftshift(np.fft.irfft(np.asarray(magnitudes, np.float64), axis=-1), axes=-1)
    size = response.shape[-1]
    windowed = response * (0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(size) / size))
    return np.concatenate([windowed, np.zeros_like(windowed[..., :1])], axis=-1)


def filtered_frames(signal, magnitudes, hop):
    """Each frame convolved with its own response; starts `n_bands - 1` samples early."""
    responses = zero_phase_response(magnitudes)
    batch, n_frames, taps = responses.shape
    result = np.zeros((batch, n_frames * hop + taps - 1))
    for row in range(batch):
        for k in range(n_frames):
            frame = np.asarray(signal[row, k * hop : (k + 1) * hop], np.float64)
            end = (k + 1) * hop + taps - 1
            result[row, k * hop : end] += np.convolve(frame, responses[row, k])
    return result


def convolved(signal, response):
    """Full convolution of every row with one response [taps]."""
    return np.stack([np.convolve(np.float64(row), np.float64(response)) for row in signal])


def stft_magnitude(audio, fft_size):
    """Magnitudes of Hann-windowed frames, a quarter of their size apart, the end padded."""
    hop = fft_size // 4
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(fft_size) / fft_size)
    padded = np.pad(np.asarray(audio, np.float64), [(0, 0), (0, fft_size)])
    starts = range(0, audio.shape[1], hop)
    frames = np.stack([padded[:, start : start + fft_size] for start in starts], axis=1)
    return np.abs(np.fft.rfft(frames * window))

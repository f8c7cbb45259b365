"""Graphs that cannot be: each mistake is named, with its node, when the group is made."""

import keras
import pytest

from ddsp_tf.processors import (
    Add,
    Crop,
    FilteredNoise,
    FirFilter,
    Harmonic,
    Mix,
    ProcessorGroup,
    Reverb,
    Sinusoidal,
)

TONE = ["amplitudes", "harmonic_distribution", "f0_hz"]


def noise(**kwargs):
    return FilteredNoise(**kwargs), ["noise_magnitudes"]


MISTAKES = {
    "empty": (lambda: [], "at least one node"),
    "name twice": (
        lambda: [(Harmonic(), TONE), (Harmonic(), TONE)],
        "node 'harmonic': another node has this name",
    ),
    "itself": (lambda: [(Add(name="mix"), ["mix", "audio"])], r"node 'mix': .* feed back into it"),
    "cycle": (
        lambda: [
            (Harmonic(), TONE),
            (Add(name="late"), ["echo", "harmonic"]),
            (Reverb(length=9, name="echo"), ["dry"]),
            (Add(name="dry"), ["harmonic", "echo"]),
        ],
        r"node 'echo': its signal would feed back into it \('echo' needs 'dry' needs 'echo'\)",
    ),
    "too few": (
        lambda: [(Harmonic(), TONE[:2])],
        r"node 'harmonic': inputs .* expected \['amplitudes', 'harmonic_distribution', 'f0_hz",
    ),
    "shifts missing": (
        lambda: [(Harmonic(inharmonic=True), TONE)],
        r"node 'harmonic': inputs .*; expected .*'harmonic_shifts'",
    ),
    "too many": (
        lambda: [(FilteredNoise(), ["noise_magnitudes", "more"])],
        r"node 'filtered_noise': inputs \['noise_magnitudes', 'more'\]; expected",
    ),
    "none": (
        lambda: [(Add(name="add"), [])],
        "node 'add': no inputs; expected at least one signal",
    ),
    "no processor": (
        lambda: [(keras.layers.Dense(1, name="dense"), ["x"])],
        "node 'dense': Dense is not a Processor",
    ),
    "sample rates": (
        lambda: [
            (Harmonic(), TONE),
            noise(sample_rate=48000),
            (Add(name="add"), ["harmonic", "x"]),
        ],
        "node 'filtered_noise': sample_rate=48000, but node 'harmonic' has 16000",
    ),
    "frame rates": (
        lambda: [(Reverb(length=9), ["harmonic"]), noise(frame_rate=100), (Harmonic(), TONE)],
        "node '(harmonic|filtered_noise)': frame_rate=.*, but node",
    ),
    "channels": (
        lambda: [noise(n_bands=65), (FilteredNoise(33, name="hiss"), ["noise_magnitudes"])],
        "node 'hiss': takes 'noise_magnitudes' with 33 channels, but node 'filtered_noise' with 65",
    ),
    "channels of a pitch": (
        lambda: [(Harmonic(), TONE), (Sinusoidal(7), ["levels", "f0_hz"])],
        "node 'sinusoidal': takes 'f0_hz' with 7 channels, but node 'harmonic' with 1",
    ),
    "signal as a control": (
        lambda: [noise(), (Harmonic(), ["amplitudes", "filtered_noise", "f0_hz"])],
        "node 'harmonic': uses the signal of node 'filtered_noise' as a control",
    ),
    "signal for a pitch": (
        lambda: [noise(), (Harmonic(), [*TONE[:2], "filtered_noise"])],
        "node 'harmonic': uses the signal of node 'filtered_noise' as a control",
    ),
    "one input for both": (
        lambda: [(FirFilter(n_bands=5), ["audio", "bands"]), (Reverb(length=9), ["bands"])],
        "node 'reverb': uses 'bands' as a signal, but node 'fir_filter' as a control",
    ),
    "lengths": (
        lambda: [
            (Harmonic(), TONE),
            (Crop(100), ["harmonic"]),
            (Add(name="add"), ["crop", "harmonic"]),
        ],
        "node 'add': signal 'crop' is 100 samples shorter than 'harmonic'",
    ),
    "cropped beside controls": (
        lambda: [(Crop(64), ["audio"]), (Mix(), ["crop", "crop", "mix_levels"])],
        "node 'mix': takes controls, but signal 'crop' is cropped",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_name_the_node(mistake):
    nodes, message = MISTAKES[mistake]
    with pytest.raises(ValueError, match=message):
        ProcessorGroup(nodes())


def test_signals_cropped_alike_can_meet():
    group = ProcessorGroup(
        [
            (Harmonic(), TONE),
            (Crop(100, name="tone"), ["harmonic"]),
            (Crop(60), ["audio"]),
            (Crop(40, end="end", name="both_ends"), ["crop"]),
            (Add(name="add"), ["both_ends", "tone"]),
        ]
    )
    assert group.latencies["add"] == 164


def test_nodes_without_rates_and_inputs_shared_alike_are_fine():
    group = ProcessorGroup(
        [
            (Harmonic(n_harmonics=4), TONE),
            (Harmonic(n_harmonics=4, name="second"), TONE),
            (Add(name="add"), ["harmonic", "second"]),
            (Reverb(length=9), ["add"]),
        ]
    )
    assert group.input_names == tuple(TONE)

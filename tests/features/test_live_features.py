"""Live features on signals whose pitch is known exactly, and against those of recordings."""

import numpy as np
import pytest
from backends import to_numpy
from pitch_signals import (
    LOUD_SECOND,
    MISSING_FUNDAMENTAL,
    ODD,
    RICH,
    STRONG_SECOND,
    cents_between,
    glide,
    notes,
    steady,
    tone,
    vibrato,
)

from ddsp_tf.backend.compilation import compiled
from ddsp_tf.errors import UserError
from ddsp_tf.features.auto_tracker import AutoTracker
from ddsp_tf.features.live_features import CURVES, LiveFeatures
from ddsp_tf.features.loudness import loudness_db, power_db

HOP = 160


@pytest.fixture(scope="module")
def live():
    return LiveFeatures(sample_rate=16000, frame_rate=100)


@pytest.fixture(scope="module")
def listen(live):
    """Listens to a batch of sounds of one length at once: curves, [batch, frames] each."""
    call = compiled(live.call, live)

    def listen(audio):
        audio = np.atleast_2d(audio).astype(np.float32)
        curves, _ = call(audio, live.initial_state(len(audio)))
        return {name: to_numpy(curve) for name, curve in curves.items()}

    return listen


def with_rests(curve, seconds=0.2):
    rest = np.zeros(round(seconds * 16000))
    return np.concatenate([rest, curve, rest])


def frames_of(truth, delay_ms, hop=HOP, sample_rate=16000):
    """Truth [samples] at the instants that the frames describe."""
    ends = np.arange(1, truth.size // hop + 1) * hop
    return truth[np.clip(ends - round(delay_ms * sample_rate / 1e3), 0, truth.size - 1)]


def well_inside(truth, guard):
    """Where pitch has been on, and where it has been off, for some frames at each side."""
    size = 2 * guard + 1
    count = np.convolve(truth > 0, np.ones(size), "same")
    return count > size - 0.5, count < 0.5


PITCHES_HZ = (28.0, 41.2, 82.0, 110.0, 220.0, 622.0, 1480.0, 2093.0, 4150.0)


@pytest.mark.parametrize("level_db", [0.0, -60.0])
def test_every_octave_is_heard_at_any_level(live, listen, level_db):
    signals = [tone(with_rests(steady(hz)), amplitudes=RICH) for hz in PITCHES_HZ]
    curves = listen(np.stack([s.audio for s in signals]) * 10 ** (level_db / 20))
    for number, (hz, signal) in enumerate(zip(PITCHES_HZ, signals, strict=True)):
        delay_ms = next(ms for lowest, ms in live.lookahead if hz >= lowest)
        on, off = well_inside(frames_of(signal.f0_hz, delay_ms), 5 if hz > 60 else 9)
        f0_hz, confidence = curves["f0_hz"][number], curves["f0_confidence"][number]
        assert cents_between(f0_hz[on], np.full(on.sum(), hz)).max() < 10, hz
        assert (confidence[on] >= 0.5).all(), hz
        assert not (confidence[off] >= 0.5).any(), hz


def test_level_makes_no_difference(listen):
    signal = tone(with_rests(notes([220, 330, 0, 110])), amplitudes=RICH).with_noise(30.0)
    curves = listen(np.stack([signal.audio, signal.audio * np.float32(10 ** (-50 / 20))]))
    for name in ("f0_hz", "f0_confidence"):
        np.testing.assert_allclose(curves[name][1], curves[name][0], rtol=1e-3, atol=1e-3)


def test_an_offset_makes_no_difference(live, listen):
    signal = tone(with_rests(notes([220, 330, 0, 110])), amplitudes=RICH)
    curves = listen(np.stack([signal.audio, signal.audio + np.float32(0.3)]))
    heard = live.state_sizes["analysis"] // HOP + 1
    for name in ("f0_hz", "f0_confidence"):
        centred, offset = curves[name][:, heard:]
        np.testing.assert_allclose(offset, centred, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("snr_db", [np.inf, 10.0])
def test_the_octave_is_right(listen, snr_db):
    kinds = [(1.0,), ODD, MISSING_FUNDAMENTAL, STRONG_SECOND]
    pairs = [(hz, kind) for hz in (92.0, 156.0, 523.0) for kind in kinds]
    signals = [tone(with_rests(steady(hz)), amplitudes=kind, phase_seed=1) for hz, kind in pairs]
    curves = listen(np.stack([signal.with_noise(snr_db).audio for signal in signals]))
    for number, (signal, pair) in enumerate(zip(signals, pairs, strict=True)):
        on, _ = well_inside(frames_of(signal.f0_hz, 25.0), 8)
        cents = cents_between(curves["f0_hz"][number][on], np.full(on.sum(), pair[0]))
        assert np.mean(cents < 50) > 0.97, pair
        assert np.mean(curves["f0_confidence"][number][on] >= 0.5) > 0.97, pair


@pytest.mark.parametrize(("odd", "expected_hz"), [(0.05, 392.0), (0.4, 196.0)])
def test_an_octave_is_one_whose_odd_harmonics_sound(listen, odd, expected_hz):
    amplitudes = [(odd if number % 2 else 1.0) / number for number in range(1, 21)]
    signal = tone(with_rests(steady(196.0)), amplitudes=amplitudes, phase_seed=1)
    on, _ = well_inside(frames_of(signal.f0_hz, 20.0), 8)
    f0_hz = listen(signal.audio)["f0_hz"][0][on]
    assert cents_between(f0_hz, np.full(on.sum(), expected_hz)).max() < 50


@pytest.mark.parametrize("hz", [156.0, 233.0])
def test_a_foreign_tone_does_not_lower_the_octave(listen, hz):
    """A resonating string between the harmonics repeats with the note after two periods."""
    signal = tone(with_rests(steady(hz)), amplitudes=RICH, phase_seed=1)
    on, _ = well_inside(frames_of(signal.f0_hz, 20.0), 8)
    time = np.arange(signal.audio.size) / 16000
    ringing = 0.2 * np.abs(signal.audio).max() * np.sin(2 * np.pi * 2.5 * hz * time)
    f0_hz = listen(signal.audio + ringing * (signal.f0_hz > 0))["f0_hz"][0][on]
    assert cents_between(f0_hz, np.full(on.sum(), hz)).max() < 50


@pytest.mark.parametrize("hz", [233.0, 415.0])
def test_one_loud_harmonic_raises_only_the_beginning_of_a_note(listen, hz):
    signal = tone(with_rests(steady(hz)), amplitudes=LOUD_SECOND, phase_seed=1).with_noise(40.0)
    on, _ = well_inside(frames_of(signal.f0_hz, 20.0), 30)
    assert cents_between(listen(signal.audio)["f0_hz"][0][on], np.full(on.sum(), hz)).max() < 20


@pytest.mark.parametrize(
    "curve", [vibrato(440.0, cents=80.0), glide(200.0, 900.0), glide(900, 200)]
)
def test_moving_pitch_is_followed_with_the_stated_delay(live, listen, curve):
    signal = tone(curve, amplitudes=RICH)
    f0_hz = listen(signal.audio)["f0_hz"][0]
    assert next(ms for lowest, ms in live.lookahead if lowest < 1000) == 20.0
    errors = {
        ms: np.mean(cents_between(f0_hz[10:], frames_of(signal.f0_hz, ms)[10:]))
        for ms in (10.0, 15.0, 20.0, 25.0, 30.0)
    }
    assert min(errors, key=errors.get) == 20.0
    assert errors[20.0] < 2.0


@pytest.mark.parametrize("hz", [100.0, 440.0, 1760.0])
def test_voicing_ends_with_the_note(listen, hz):
    signal = tone(with_rests(notes([hz, 0, 1.5 * hz, 0, hz], 0.15)), amplitudes=RICH)
    noise = 2e-4 * np.random.default_rng(0).normal(size=signal.audio.size)
    curves = listen(np.stack([signal.audio, signal.audio + noise]))
    truth = frames_of(signal.f0_hz, 30.0 if hz < 160 else 20.0)
    on, off = well_inside(truth, 4)
    assert (curves["f0_confidence"][:, on] >= 0.5).all()
    assert np.mean(curves["f0_confidence"][:, off] >= 0.5) < 0.03


def test_noise_and_silence_have_no_pitch(listen):
    noise = np.random.default_rng(1).normal(size=32000)
    brown = np.cumsum(noise) / 1000
    curves = listen(np.stack([np.zeros(32000), 0.1 * noise, brown]))
    assert not curves["f0_hz"][0].any() and not curves["f0_confidence"][0].any()
    assert (curves["loudness_db"][0] == -80.0).all() and (curves["power_db"][0] == -80.0).all()
    assert np.mean(curves["f0_confidence"][1:] >= 0.5) < 0.05


def test_where_there_is_no_pitch_the_last_one_is_held(listen):
    f0_hz = listen(tone(with_rests(steady(330.0, 0.5)), amplitudes=RICH).audio)["f0_hz"][0]
    assert not f0_hz[:20].any()
    np.testing.assert_allclose(f0_hz[-15:], 330.0, rtol=0.005)


@pytest.mark.parametrize(("first", "second"), [(330, 440), (440, 220), (110, 400), (880, 660)])
def test_a_change_of_pitch_gives_no_third_pitch(listen, first, second):
    """Windows that still hear the last note fit its subharmonics."""
    f0_hz = listen(tone(notes([first, second], 0.4), amplitudes=RICH).audio)["f0_hz"][0]
    old, new = (cents_between(f0_hz[20:], np.full(60, hz)) < 50 for hz in (first, second))
    assert (old | new).all()
    assert new[-35:].all()


@pytest.mark.parametrize(("hz", "within_ms"), [(41.2, 75), (65.4, 50), (98.0, 35), (147.0, 35)])
def test_after_a_rest_the_last_pitch_does_not_delay_the_next(listen, hz, within_ms):
    signal = tone(with_rests(notes([1.5 * hz, 0, hz], 0.2)), amplitudes=RICH, phase_seed=2)
    noise = 1e-4 * np.random.default_rng(1).normal(size=signal.audio.size)
    curves = listen(signal.audio + noise)
    right = cents_between(curves["f0_hz"][0], np.full(100, hz)) < 50
    first = np.flatnonzero(right & (curves["f0_confidence"][0] >= 0.5))[0]
    assert 10 * (first + 1) - 600 <= within_ms


def test_levels_equal_those_of_recordings(live, listen, rng):
    audio = (rng.normal(size=16000) * np.repeat([0.1, 0.001], 8000)).astype(np.float32)
    curves = listen(audio)
    assert live.delay == 2 * HOP
    # The frame of hop n describes the end of hop n - 2, which frame n - 1 of a recording does.
    expected = loudness_db(audio, 16000, HOP)
    np.testing.assert_allclose(curves["loudness_db"][0, 1:], expected[:-1], atol=1e-3)
    # Half of 1024 samples are 12 ms more than the 20 of the others.
    late = np.concatenate([np.zeros(192, np.float32), audio])
    expected = power_db(late, HOP)[: curves["power_db"].shape[1]]
    np.testing.assert_allclose(curves["power_db"][0, 1:], expected[:-1], atol=1e-3)


def test_pitch_equals_that_of_recordings(listen):
    curve = np.concatenate([notes([220, 330, 262, 440]), vibrato(392.0), glide(200.0, 600.0)])
    signal = tone(with_rests(curve), amplitudes=RICH).with_noise(30.0)
    f0_hz, confidence = AutoTracker().track(signal.audio, 16000, HOP)
    curves = listen(signal.audio)
    both = (confidence[:-1] > 0.9) & (curves["f0_confidence"][0, 1:] > 0.9)
    assert both.mean() > 0.8
    cents = cents_between(curves["f0_hz"][0, 1:][both], f0_hz[:-1][both])
    assert np.mean(cents < 5) > 0.97
    unsure = (confidence[:-1] < 0.5) & (curves["f0_confidence"][0, 1:] >= 0.5)
    assert np.mean(unsure) < 0.02


@pytest.mark.parametrize(
    ("sample_rate", "frame_rate"),
    [
        (48000, 100),
        pytest.param(44100, 100, marks=pytest.mark.slow),
        pytest.param(22050, 50, marks=pytest.mark.slow),
        pytest.param(8000, 250, marks=pytest.mark.slow),
    ],
)
def test_rates(sample_rate, frame_rate):
    live = LiveFeatures(sample_rate, frame_rate)
    curve = np.concatenate([np.zeros(sample_rate // 5), vibrato(300.0, sample_rate=sample_rate)])
    signal = tone(curve, sample_rate, RICH)
    audio = signal.audio[: signal.audio.size // live.hop * live.hop]
    curves, _ = compiled(live.call, live)(audio[None], live.initial_state(1))
    f0_hz, confidence = (to_numpy(curves[name])[0] for name in ("f0_hz", "f0_confidence"))
    delay_ms = next(ms for lowest, ms in live.lookahead if lowest < 300)
    truth = frames_of(curve[: audio.size], delay_ms, live.hop, sample_rate)
    on, off = well_inside(truth, max(1, frame_rate // 20))
    assert cents_between(f0_hz[on], truth[on]).max() < 10
    assert confidence[on].min() > 0.9
    assert (confidence[off] < 0.5).all()
    expected = loudness_db(audio, sample_rate, live.hop)
    assert abs(to_numpy(curves["loudness_db"])[0, -5] - expected[-6]) < 1.5


def test_hops_and_blocks_join(live, listen):
    audio = tone(notes([220, 330, 0, 110], 0.2), amplitudes=RICH).with_noise(20.0).audio
    audio = audio[: audio.size // HOP * HOP]
    whole, call = listen(audio), compiled(live.call, live)
    state, found, start = live.initial_state(1), {name: [] for name in CURVES}, 0
    for hops in (*[1] * 12, audio.size // HOP - 24, *[1] * 12):
        curves, state = call(audio[None, start : start + hops * HOP], state)
        start += hops * HOP
        for name in CURVES:
            found[name].append(to_numpy(curves[name]))
    assert start == audio.size
    for name in CURVES:
        joined = np.concatenate(found[name], axis=1)
        np.testing.assert_allclose(joined, whole[name], rtol=1e-4, atol=1e-3)


def test_state_has_the_stated_sizes_and_is_never_constant(live):
    state = live.initial_state(3)
    assert {name: tuple(value.shape) for name, value in state.items()} == {
        name: (3, size) for name, size in live.state_sizes.items()
    }
    audio = np.random.default_rng(0).normal(size=(3, HOP)).astype(np.float32)
    _, new = compiled(live.call, live)(audio, state)
    for name, value in new.items():
        assert tuple(value.shape) == (3, live.state_sizes[name])
        assert np.isfinite(to_numpy(value)).all() and to_numpy(value).any()


def test_lookahead_is_at_most_30_ms_above_80_hz():
    for sample_rate, frame_rate in ((16000, 250), (44100, 100), (48000, 50), (48000, 250)):
        lookahead = LiveFeatures(sample_rate, frame_rate).lookahead
        assert all(ms <= 30.0 for lowest, ms in lookahead if lowest > 60.0)
        assert lookahead[0][1] <= 21.0 and lookahead[-1][0] == 27.0


@pytest.mark.parametrize(
    "settings",
    [
        {"lowest_hz": 10.0},
        {"lowest_hz": 440.0, "highest_hz": 441.0},
        {"highest_hz": 9000.0, "sample_rate": 48000},
        {"sample_rate": 2000},
    ],
)
def test_impossible_ranges_are_refused(settings):
    with pytest.raises(UserError, match="live pitch: found"):
        LiveFeatures(**{"sample_rate": 16000, "frame_rate": 100, **settings})


def test_extreme_sounds_stay_finite(listen, rng):
    sounds = [
        np.full(8000, 1.0),
        1e-30 * rng.normal(size=8000),
        1e5 * rng.normal(size=8000),
        np.eye(1, 8000, 4000)[0],
        np.sign(np.sin(np.arange(8000))),
    ]
    for curve in listen(np.stack(sounds)).values():
        assert np.isfinite(curve).all()

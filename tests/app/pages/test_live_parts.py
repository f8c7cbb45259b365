"""The live page's parts, in Node: filter, ring, WAV writer, MIDI, notes and sliders."""

import io

import numpy as np
import pytest
import soundfile
from live_browser import needs_node, parts

pytestmark = [pytest.mark.slow, needs_node]


@pytest.fixture(scope="module")
def computed():
    return parts()


def late_tone(found, source, target, hertz):
    """What the filter gave in the middle, and the same instants of the tone itself."""
    samples = np.array(found["samples"])
    time = np.arange(samples.size) / target - found["delay"] / source
    middle = slice(samples.size // 4, -samples.size // 4)
    return samples[middle], np.sin(2 * np.pi * hertz * time)[middle]


@pytest.mark.parametrize(
    ("case", "source", "target", "hertz"),
    [(0, 16000, 48000, 1000), (1, 16000, 44100, 5000), (2, 48000, 16000, 3000)],
)
def test_filter_passes_tones(computed, case, source, target, hertz):
    given, expected = late_tone(computed["resampled"][case], source, target, hertz)
    assert np.abs(given - expected).max() < 1e-3


def test_filter_stops_what_would_alias(computed):
    samples = np.array(computed["resampled"][3]["samples"])
    assert np.abs(samples[200:]).max() < 1e-3


def test_filter_is_flat_up_to_its_edge(computed):
    samples = np.array(computed["resampled"][5]["samples"])[1000:-1000]
    assert abs(20 * np.log10(np.sqrt(2) * samples.std())) < 0.1


def test_images_are_faint(computed):
    samples = np.array(computed["resampled"][6]["samples"])[1000:9000]
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(8000)))
    image, tone = 9000 * 8000 // 48000, 7000 * 8000 // 48000
    assert (
        20 * np.log10(spectrum[image - 3 : image + 4].max() / spectrum[tone - 3 : tone + 4].max())
        < -60
    )


def test_filter_keeps_the_length_and_equal_rates(computed):
    one, other = computed["resampled"][0], computed["resampled"][4]
    assert abs(len(one["samples"]) - 3 * len(other["samples"])) <= 3 * 2 * one["delay"]
    expected = np.sin(2 * np.pi * 1000 * np.arange(len(other["samples"])) / 16000)
    assert other["delay"] == 0 and np.allclose(other["samples"], expected, atol=1e-6)


def test_ring_gives_what_it_was_given(computed):
    ring = computed["ringed"]
    assert ring["out"] == list(range(1, len(ring["out"]) + 1))
    assert set(ring["counts"]) == {128} and ring["full"] == 1000


def test_wav_files_are_read_by_others(computed):
    audio, rate = soundfile.read(io.BytesIO(bytes(computed["wav"])))
    assert rate == 44100 and soundfile.info(io.BytesIO(bytes(computed["wav"]))).subtype == "PCM_24"
    assert np.abs(audio - [0, 0.5, -0.5, 1, -1, 1, 0.25]).max() < 3e-7


def test_midi_becomes_gestures(computed):
    assert computed["midi"] == [
        {"kind": "press", "midi": 60, "velocity": 1},
        {"kind": "release", "midi": 60},
        {"kind": "release", "midi": 61},
        {"kind": "bend", "semitones": 0},
        {"kind": "bend", "semitones": pytest.approx(2, abs=1e-3)},
        {"kind": "pressure", "amount": 1},
        {"kind": "modulation", "amount": 1},
        {"kind": "sustain", "held": True},
        {"kind": "releaseAll"},
        None,
    ]


def midi_of(frames):
    return 69 + 12 * np.log2([frame["f0"] / 440 for frame in frames])


def levels(frames):
    # JSON has no NaN: silence is null.
    return np.array([np.nan if frame["level"] is None else frame["level"] for frame in frames])


def test_notes_become_curves(computed):
    notes = computed["noted"]
    assert np.isnan(levels(notes["before"])).all()
    assert np.allclose(midi_of(notes["held"]), 69)
    held = levels(notes["held"])
    assert held[0] > -20 and (np.diff(held) >= 0).all() and held[-1] == pytest.approx(0, abs=0.1)
    assert np.allclose(midi_of(notes["legato"])[[0, -1]], [72, 72], atol=2.9)
    assert midi_of(notes["legato"])[0] < 72 and midi_of(notes["legato"])[-1] > 71.99
    assert midi_of(notes["back"])[-1] == pytest.approx(69, abs=0.01)
    assert midi_of(notes["bent"])[0] == pytest.approx(71, abs=0.01)
    after = levels(notes["after"])
    assert after[0] < 0 and np.isnan(after[-1])


def test_sliders_move_pitch_and_level(computed):
    moved = computed["shaped"]["moved"]
    assert moved["f0"] == pytest.approx(220 * 2 ** (10 / 12)) and moved["level"] == -17


def test_gate_closes_on_what_is_soft_or_without_pitch(computed):
    shaped = {
        name: levels([{"level": x} for x in xs])
        for name, xs in computed["shaped"].items()
        if name != "moved"
    }
    assert shaped["open"][-1] == -10
    assert np.isnan(shaped["unvoiced"][-1]) and np.isnan(shaped["soft"]).all()


def test_fitting_finds_octave_and_level(computed):
    # A2 to the octave nearest to the middle of G3 to G5, and its level to the loud end.
    assert computed["fitted"] == {"octave": 2, "loudness": 33}
    assert computed["nothing"] is None


def test_microphone_is_played_without_gaps_while_the_worker_is_late(computed):
    calm, stalled = computed["followed"]["calm"], computed["followed"]["stalled"]
    assert all(one["gaps"] == [] for one in calm + stalled)
    # Hop, reserve and the worker's time for a hop; the delay is seen in quanta of 2.7 ms.
    for delay, one in zip((4 + 36 + 1.2, 20 + 22 + 6), calm, strict=True):
        assert delay - 3 < one["after"] < delay + 3


def test_keys_are_played_without_gaps_while_the_worker_is_late(computed):
    for one in computed["followed"]["asked"]:
        assert one["gaps"] == one["jumps"] == []


def test_gap_is_short_when_the_missing_blocks_follow(computed):
    for one in computed["followed"]["missed"]:
        assert len(one["gaps"]) == 1 and 0 < one["after"] - one["before"] < 20


def test_gap_makes_the_reserve_longer_until_it_is_quiet(computed):
    loud, quiet = computed["followed"]["stopped"]
    for one in (loud, quiet):
        assert len(one["gaps"]) == 1 and 5 < one["gaps"][0] < 5.06
    # A quarter more; what piled up in the gap is dropped at once.
    assert 6 < loud["after"] - loud["before"] < 12
    assert abs(quiet["after"] - quiet["before"]) < 1


def test_keys_do_not_wait_for_the_reserve(computed):
    for (loud, quiet), hop in zip(computed["followed"]["pressed"], (4, 20), strict=True):
        # The simulated worker makes a block of 4 ms in 1.2 ms, one of 20 ms in 6 ms.
        assert len(quiet["answers"]) == 10 and max(quiet["answers"]) < 21
        # While something sounds, blocks are made again without a seam. The reserve is 32 ms.
        assert loud["gaps"] == loud["jumps"] == [] and len(loud["answers"]) == 10
        assert max(loud["answers"]) < 0.45 * 32 + hop + 2 * 2.7


@pytest.mark.parametrize("case", ["legato", "attack", "released"])
def test_blocks_that_are_made_again_sound_as_if_the_key_had_come_in_time(computed, case):
    in_time, late = computed["again"][case]
    assert [block["number"] for block in late[-8:]] == [block["number"] for block in in_time[-8:]]
    assert {block["rewinds"] for block in late[-8:]} == {1}
    for one, other in zip(in_time[-8:], late[-8:], strict=True):
        assert len(one["wet"]) == 441 and one["wet"] == other["wet"] and np.ptp(one["wet"]) > 0.05
    # The key makes a difference.
    assert late[-8]["wet"] != next(b["wet"] for b in late if b["number"] == late[-8]["number"])


def test_blocks_of_long_ago_stay_and_their_memory_is_freed(computed):
    again = computed["again"]
    assert [block["number"] for block in again["forgotten"]] == list(range(43))
    # A tenth of a second and two hops, and the state after them.
    assert again["kept"] == 12 + 1

"""Flags on sounds made to deserve them, and none on one that does not."""

import re

import numpy as np
import pytest
import soundfile

from ddsp_tf.audio.decoding import AudioDecoder
from ddsp_tf.data.checks import aperiodic_share
from ddsp_tf.data.preparation import prepare_dataset
from ddsp_tf.errors import UserError
from ddsp_tf.features.extractor import FeatureExtractor
from ddsp_tf.features.pitch import PitchTracker

SECONDS = 6
TIME = np.arange(16000 * SECONDS) / 16000


def notes(hz_of_notes, seed=0):
    """Notes of a second with eight partials and a little breath."""
    hz = np.repeat(hz_of_notes, 16000)[: TIME.size]
    phase = np.cumsum(hz) / 16000
    tone = sum(np.sin(2 * np.pi * k * phase) / k for k in range(1, 9))
    breath = np.random.default_rng(seed).normal(size=TIME.size)
    return 0.1 * np.sin(np.pi * (TIME % 1)) ** 0.3 * (tone + 0.05 * breath)


def drums():
    generator = np.random.default_rng(1)
    beat = np.exp(-np.arange(8000) / 800) * generator.normal(size=[2 * SECONDS, 8000])
    return 0.3 * np.r_[beat.ravel(), notes([220] * SECONDS)[:16000]]


SOUNDS = {
    "good": notes([220, 247, 262, 294, 330, 349]),
    "clipped": np.clip(20 * notes([220, 247, 262, 294, 330, 349]), -1, 1),
    "mostly silent": np.r_[notes([220, 247, 262, 294, 330, 349]), np.zeros(16000 * 8)],
    "looks polyphonic": notes([220, 247, 262, 294, 330, 349])
    + notes([311, 330, 370, 415, 494, 466], 2),
    "hardly voiced": drums(),
    "channels cancel": np.stack([notes([220] * SECONDS), -0.9 * notes([220] * SECONDS)], 1),
}


@pytest.fixture(scope="module")
def flagged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flags")
    for name, sound in SOUNDS.items():
        (folder / "audio").mkdir(exist_ok=True)
        soundfile.write(folder / "audio" / f"{name}.wav", sound, 16000, "PCM_16")
    made = prepare_dataset(folder / "audio", folder / "d", extractor=FeatureExtractor(16000, 100))
    assert not made.skipped
    return {recording.source: recording for recording in made.recordings}


@pytest.mark.parametrize("name", SOUNDS)
def test_flags_say_what_is_wrong(flagged, name):
    found = [flag.partition(":")[0] for flag in flagged[f"{name}.wav"].flags]
    if name == "good":
        assert found == []
    else:
        assert name in found


def test_numbers_of_a_good_recording(flagged):
    good = flagged["good.wav"]
    assert good.clipped_share == good.mono_loss_db == 0
    assert good.silent_share < 0.02
    assert good.voiced_share > 0.95
    assert good.confidence > 0.8
    assert good.aperiodic_share < 0.1
    assert good.f0_low_hz == pytest.approx(220, rel=0.03)
    assert good.f0_high_hz == pytest.approx(349, rel=0.03)
    assert good.seconds == good.kept_seconds == SECONDS


@pytest.mark.parametrize("sample_rate", [16000, 48000])
@pytest.mark.parametrize("hz", [29.0, 440.0, 1170.0, 2637.0, 3729.0, 4186.0])
def test_one_note_repeats_at_any_pitch(rng, hz, sample_rate):
    note = np.sin(2 * np.pi * hz / sample_rate * np.arange(sample_rate))
    note += 0.1 * rng.normal(size=note.size)
    frames = {"f0_hz": hz, "f0_confidence": 1.0, "power_db": -10.0}
    features = {name: np.full(100, value) for name, value in frames.items()}

    def read(start, size):
        return note[start : start + size]

    assert aperiodic_share(read, features, sample_rate, sample_rate // 100, -60.0) < 0.05


def test_share_of_silence_and_of_clipping_are_measured(flagged):
    assert flagged["mostly silent.wav"].silent_share == pytest.approx(8 / 14, abs=0.02)
    sound = SOUNDS["clipped"].astype(np.float32)
    full = np.abs(sound) >= 0.9999
    run = full[:-2] & full[1:-1] & full[2:]
    inside = np.zeros(sound.size, bool)
    for shift in range(3):
        inside[shift : shift + run.size] |= run
    assert flagged["clipped.wav"].clipped_share == pytest.approx(inside.mean(), rel=0.01)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "FLOAT"])
def test_full_scale_is_seen_at_any_depth_and_a_peak_is_no_clipping(tmp_path, subtype):
    sine = np.sin(2 * np.pi * 441 / 16000 * np.arange(16000))
    for name, sound, expected in (
        ("loud", 0.98 * sine, 0.0),
        ("clipped", np.clip(1.5 * sine, -1, 1), 0.5),
    ):
        soundfile.write(tmp_path / f"{name}.wav", sound, 16000, subtype)
        decoder = AudioDecoder(tmp_path / f"{name}.wav", 16000)
        assert sum(block.size for block in decoder.blocks()) == 16000
        assert decoder.clipped_share == pytest.approx(expected, abs=0.06)


@pytest.mark.parametrize(("channels", "loss"), [(1, 0.0), (2, 3.0), (4, 6.0)])
def test_mono_loss_of_independent_channels(tmp_path, rng, channels, loss):
    soundfile.write(tmp_path / "a.wav", rng.uniform(-0.5, 0.5, [50000, channels]), 16000)
    decoder = AudioDecoder(tmp_path / "a.wav", 16000)
    list(decoder.blocks())
    assert decoder.mono_loss_db == pytest.approx(loss, abs=0.1)


def test_antiphase_says_so(tmp_path):
    sine = 0.5 * np.sin(TIME * 2000)
    soundfile.write(tmp_path / "a.wav", np.stack([sine, -sine], 1), 16000)
    with pytest.raises(UserError, match=r"a\.wav: its 2 channels cancel.*-6 dBFS.*--channel left"):
        list(AudioDecoder(tmp_path / "a.wav", 16000).blocks())


class HardOfHearing(PitchTracker):
    """Hears every other frame, at a given pitch."""

    name = "hard_of_hearing"
    version = "1"

    def track(self, audio, sample_rate, hop):
        """Gives the same answer to everything."""
        confidence = np.arange(audio.size // hop) % 2
        return np.full(confidence.size, 220.0, np.float32), confidence.astype(np.float32)


@pytest.mark.parametrize("hz", [220.0, 440.0])
def test_a_tracker_that_mishears_is_named(tmp_path, hz):
    soundfile.write(tmp_path / "a.wav", notes([hz] * SECONDS), 16000)
    deaf = FeatureExtractor(16000, 50, HardOfHearing(), refine_f0=False)
    made = prepare_dataset(tmp_path / "a.wav", tmp_path / "d", extractor=deaf)
    (flag,) = (flag for flag in made.recordings[0].flags if flag.startswith("misheard"))
    share = "100" if hz == 440.0 else r"(49|5\d)"
    assert re.fullmatch(
        rf"misheard: in {share}% of the frames with a clear pitch \(at {hz:.0f} Hz\) "
        r"hard_of_hearing finds none or another; leave FeatureExtractor\.pitch_tracker at its "
        r"default, 'auto'",
        flag,
    )


def test_notes_outside_a_trackers_range_are_misheard(tmp_path):
    soundfile.write(tmp_path / "a.wav", notes([220.0, 2800.0] + [220.0] * 4), 16000)
    extractor = FeatureExtractor(16000, 100, "swift_f0")
    made = prepare_dataset(tmp_path / "a.wav", tmp_path / "d", extractor=extractor)
    (flag,) = (flag for flag in made.recordings[0].flags if flag.startswith("misheard"))
    at = re.search(r"\(at (\d+) Hz\) swift_f0 finds", flag)
    assert float(at[1]) == pytest.approx(2800.0, rel=0.01)

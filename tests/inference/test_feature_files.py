"""Feature files: what goes in comes out, and what is wrong is named."""

import numpy as np
import pytest

from ddsp_tf.errors import UserError
from ddsp_tf.inference.feature_files import load_features, load_tracker, save_features

TONE = {"f0_hz": np.array([440.0, 0.0, 441.5]), "loudness_db": np.array([-20.0, -80.0, -3.25])}


@pytest.mark.parametrize("suffix", [".npz", ".csv", ".json", ".NPZ", ".CSV"])
@pytest.mark.parametrize("frame_rate", [250, 50, 62.5, 93.75])
def test_round_trip_keeps_every_bit(tmp_path, rng, suffix, frame_rate):
    features = {
        "f0_hz": rng.uniform(50, 2000, 1000).astype(np.float32),
        "loudness_db": rng.uniform(-80, 20, 1000).astype(np.float32),
        "f0_confidence": rng.uniform(0, 1, 1000).astype(np.float32),
        "power_db": rng.uniform(-80, 0, 1000).astype(np.float32),
    }
    path = tmp_path / f"features{suffix}"
    save_features(path, features, frame_rate)
    loaded, rate = load_features(path)
    assert rate == pytest.approx(frame_rate, rel=1e-6)
    assert set(loaded) == set(features)
    for name, values in features.items():
        np.testing.assert_array_equal(loaded[name], values)
        assert loaded[name].dtype == np.float32
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_csv_of_a_spreadsheet_is_read(tmp_path):
    path = tmp_path / "made.csv"
    path.write_bytes(
        b"\xef\xbb\xbftime, f0_hz,comment,loudness_db\r\n0.000,440,a,-20\r\n0.033,441,,-21\r\n"
        b"0.067,442,c,-22\r\n0.100,443,d,-23\r\n"
    )
    features, rate = load_features(path)
    assert rate == 30.0
    assert features["f0_hz"].tolist() == [440, 441, 442, 443]
    assert set(features) == {"f0_hz", "loudness_db"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"f0_hz": None}, "lacks f0_hz"),
        ({"loudness_db": None}, "lacks loudness_db"),
        ({"f0_hz": np.array([440.0, np.nan, 1.0])}, "f0_hz is nan at frame 1"),
        ({"f0_hz": np.array([440.0, -1.0, 1.0])}, "f0_hz goes down to -1"),
        ({"loudness_db": np.array([0.0, np.inf, 0.0])}, "loudness_db is inf"),
        ({"loudness_db": np.zeros(4)}, "loudness_db has 4 frames but f0_hz has 3"),
        ({"f0_hz": np.zeros(0), "loudness_db": np.zeros(0)}, "no frames"),
        ({"f0_hz": np.zeros([1, 3])}, r"shape \(1, 3\)"),
        ({"f0_hz": np.array(["a", "b", "c"])}, "not numbers"),
        ({"f0_confidence": np.full(3, 1.5)}, "spans 1.5 to 1.5"),
        ({"frame_rate": None}, "lacks frame_rate"),
        ({"frame_rate": np.array(0.0)}, "frame_rate is 0.0"),
        ({"frame_rate": np.array([1.0, 2.0])}, "expected one number"),
        ({"frame_rate": np.array("fast")}, "expected one number"),
    ],
)
def test_bad_arrays_name_the_file_and_the_key(tmp_path, change, message):
    arrays = {**TONE, "frame_rate": np.array(250.0), **change}
    path = tmp_path / "bad.npz"
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
    with pytest.raises(UserError, match=rf"bad\.npz.*{message}"):
        load_features(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "first column"),
        ("f0_hz,loudness_db\n440,-20\n", "first column is 'f0_hz'"),
        ("time_s,f0_hz,loudness_db\n", "found 0 frames"),
        ("time_s,f0_hz,loudness_db\n0,440,-20\n", "found 1 frames"),
        ("time_s,f0_hz\n0,440\n1,440\n", "lacks loudness_db"),
        ("time_s,f0_hz,loudness_db\n0,440,-20\n1,high,-20\n", "row 3, f0_hz is 'high'"),
        ("time_s,f0_hz,loudness_db\n0,440,-20\n1,nan,-20\n", "f0_hz is nan at frame 1"),
        ("time_s,f0_hz,loudness_db\n0,440,-20\n1,440\n", "row 3 has 2 of 3"),
        ("time_s,f0_hz,loudness_db\n0,1,1\n1,1,1\n5,1,1\n", "evenly"),
        ("time_s,f0_hz,loudness_db\n2,1,1\n1,1,1\n", "evenly"),
        ("time_s,f0_hz,loudness_db\n0,1,1\nnan,1,1\n2,1,1\n", "evenly"),
        ("\x00\x01", "first column"),
    ],
)
def test_bad_csv_names_the_file_and_the_key(tmp_path, text, message):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=rf"bad\.csv.*{message}"):
        load_features(path)


@pytest.mark.parametrize("content", [b"", b"RIFF nothing", b"PK\x03\x04 broken"])
@pytest.mark.parametrize("suffix", [".npz", ".csv"])
def test_other_files_are_refused(tmp_path, content, suffix):
    path = tmp_path / f"other{suffix}"
    path.write_bytes(content + bytes(range(128, 256)))
    with pytest.raises(UserError, match="other"):
        load_features(path)


def test_single_arrays_pickles_and_paths_are_refused(tmp_path):
    with open(tmp_path / "array.npz", "wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(UserError, match="a single array"):
        load_features(tmp_path / "array.npz")
    np.savez(tmp_path / "objects.npz", f0_hz=np.array([{}], object))
    with pytest.raises(UserError, match="not a feature file"):
        load_features(tmp_path / "objects.npz")
    with pytest.raises(UserError, match="no such file"):
        load_features(tmp_path / "absent.npz")
    with pytest.raises(UserError, match=r"'\.wav'"):
        load_features(tmp_path / "audio.wav")


def test_nothing_invalid_is_written(tmp_path):
    with pytest.raises(UserError, match="lacks loudness_db"):
        save_features(tmp_path / "half.npz", {"f0_hz": np.ones(3)}, 250)
    with pytest.raises(UserError, match="frame_rate is nan"):
        save_features(tmp_path / "half.npz", TONE, float("nan"))
    assert not list(tmp_path.iterdir())


def test_tracker_is_kept_where_the_format_can(tmp_path):
    curves = {"f0_hz": np.full(4, 220.0), "loudness_db": np.zeros(4)}
    tracker = {"name": "yin", "version": "1", "settings": {"lowest_hz": 30.0}}
    save_features(tmp_path / "f.npz", curves, 100, pitch_tracker=tracker)
    assert load_tracker(tmp_path / "f.npz") == tracker
    assert set(load_features(tmp_path / "f.npz")[0]) == set(curves)
    save_features(tmp_path / "g.npz", curves, 100)
    save_features(tmp_path / "h.csv", curves, 100, pitch_tracker=tracker)
    (tmp_path / "i.npz").write_bytes(b"none")
    for name in ("g.npz", "h.csv", "i.npz", "missing.npz"):
        assert load_tracker(tmp_path / name) is None

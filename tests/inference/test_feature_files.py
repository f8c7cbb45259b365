"""Feature files: what goes in comes out, and what is wrong is named."""

import json
import zipfile

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
        ({"loudness_db": np.zeros(4)}, "loudness_db has 4 frames but f0_hz has 3"),
        ({"f0_hz": np.zeros(0), "loudness_db": np.zeros(0)}, "no frames"),
        ({"f0_hz": np.zeros([1, 3])}, r"shape \(1, 3\)"),
        ({"f0_hz": np.array(["a", "b", "c"])}, "not numbers"),
        ({"f0_hz": np.array([1j, 1j, 1j])}, "not numbers"),
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
        ("", "first line is ''.*time_s"),
        ("f0_hz,loudness_db\n440,-20\n", "first line is 'f0_hz,loudness_db'"),
        ("0.01,440,-20\n0.02,440,-20\n", "first line is '0.01,440,-20'; expected a header"),
        ("time_s,f0_hz,loudness_db\n", "found 0 frames"),
        ("time_s,f0_hz,loudness_db\n0,440,-20\n", "found 1 frames"),
        ("time_s,f0_hz\n0,440\n1,440\n", "lacks loudness_db"),
        ("time_s,f0_hz,loudness_db\n0,440,-20\n1,high,-20\n", "row 3, f0_hz is 'high'"),
        ("time_s,f0_hz,loudness_db\n0,440,-20\n1,440\n", "row 3 has 2 of 3"),
        ("time_s,f0_hz,loudness_db\n0,1,1\n1,1,1\n5,1,1\n", "evenly"),
        ("time_s,f0_hz,loudness_db\n2,1,1\n1,1,1\n", "do not increase.*frame 1"),
        ("time_s,f0_hz,loudness_db\n-1,1,1\n0,1,1\n", "begin at -1 s; expected 0 or later"),
        ("time_s,f0_hz,loudness_db,F0 (Hz)\n0,1,1,2\n1,1,1,2\n", "has 2 columns f0_hz"),
        ("time_s,f0_hz,loudness_db\n0,1,1\nnan,1,1\n2,1,1\n", "frame 1 has no time"),
        ("time_s,f0_hz,loudness_db\n0,1,1\ninf,1,1\n", "frame 1 has no time"),
        ("time_s,f0_hz,loudness_db\n0,440,0,-20,5\n", "row 2 has 5 of 3.*decimal commas"),
        ("time,f0_hz,loudness_db\n" + "".join(f"{10 * k},1,1\n" for k in range(30)), "time_ms"),
        ("\x00\x01", "first line"),
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
    with pytest.raises(UserError, match="not a feature file"):
        load_features(tmp_path / "array.npz")
    np.savez(tmp_path / "objects.npz", f0_hz=np.array([{}], object))
    with pytest.raises(UserError, match="not a feature file"):
        load_features(tmp_path / "objects.npz")
    with pytest.raises(UserError, match="no such file"):
        load_features(tmp_path / "absent.npz")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(UserError, match="is a folder; expected a feature file"):
        load_features(tmp_path / "folder.csv")
    with pytest.raises(UserError, match=r"'\.wav'"):
        load_features(tmp_path / "audio.wav")


TABLES = {
    "semicolons and decimal commas": "time_s;f0_hz;loudness_db\n0,00;440,5;-20,25\n0,01;;-80\n",
    "tabs": "Time (s)\tF0 (Hz)\tLoudness (dB)\n0.00\t440.5\t-20.25\n0.01\t--undefined--\t-80\n",
    "aligned by spaces": "Time_s   F0_Hz   loudness_dB\n0.00   440.5  -20.25\n0.01  nan  -80\n",
    "single spaces": "time f0 loudness\n0.00 440.5 -20.25\n0.01 -1 -80\n",
    "milliseconds": "time_ms,f0_hz,loudness_db\n0,440.5,-20.25\n10,0,-80\n",
    "quoted decimal commas": 'time_s,f0_hz,loudness_db\n"0,00","440,5","-20,25"\n"0,01",NA,-80\n',
    "spreadsheet hint": "sep=;\r\ntime_s;f0_hz;loudness_db\r\n0;440,5;-20,25\r\n0,01;;-80\r\n",
    "comments": "# from a plugin\ntime_s,f0_hz,loudness_db\n0,440.5,-20.25\n\n0.01,,-80\n",
    "other columns": "time_s,label,f0_hz,loudness_db\n0,on,440.5,-20.25\n0.01,,0,-80\n",
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_tables_of_other_programs_are_read(tmp_path, name, encoding):
    path = tmp_path / "table.csv"
    path.write_bytes(TABLES[name].encode(encoding))
    features, rate = load_features(path)
    assert rate == 100
    assert features["f0_hz"].tolist() == [440.5, 0.0]
    assert features["loudness_db"].tolist() == [-20.25, -80.0]


@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_numbers_that_mean_nothing_are_silence(tmp_path, suffix):
    path = tmp_path / f"f{suffix}"
    f0_hz, loudness_db = [440.0, np.nan, -3.0, np.inf], [-20.0, -np.inf, np.nan, -10.0]
    if suffix == ".npz":
        np.savez(path, f0_hz=f0_hz, loudness_db=loudness_db, frame_rate=100)
    else:
        curves = {"f0_hz": f0_hz, "loudness_db": loudness_db}
        path.write_text(json.dumps({**curves, "frame_rate": 100}).replace("-Infinity", "null"))
    features, _ = load_features(path)
    assert features["f0_hz"].tolist() == [440.0, 0.0, 0.0, 0.0]
    assert features["loudness_db"].tolist() == [-20.0, -80.0, -80.0, -10.0]


@pytest.mark.parametrize("last", ["60000000", "1e12", "1e300"])
def test_times_do_not_decide_how_much_memory_is_needed(tmp_path, last):
    path = tmp_path / "f.csv"
    path.write_text(f"time_s,f0_hz,loudness_db\n0,440,-20\n{last},440,-20\n")
    with pytest.raises(UserError, match=r"2 rows last .* s; expected at most 3620 s.*time_ms"):
        load_features(path, 250)
    np.savez(tmp_path / "f.npz", **TONE, frame_rate=1e-12)
    with pytest.raises(UserError, match="3 rows last"):
        load_features(tmp_path / "f.npz", 250)


def npy(shape, content=b"", dtype="<f8"):
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    header = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (npy((1 << 40,)), "claims the shape"),
        (npy((1 << 62, 1 << 62)), "claims the shape"),
        (npy((4,), bytes(8)), "claims the shape"),
        (npy((-1,), bytes(8)), "claims the shape|not a feature file"),
        (npy("(lambda: 3)()", bytes(8)), "not a feature file"),
        (npy((1,), bytes(8), "|O"), "not a feature file"),
        (b"\x93NUMPY\x09\x00", "not a feature file"),
        (b"", "not a feature file"),
    ],
)
def test_headers_inside_an_archive_are_not_believed(tmp_path, content, message):
    np.savez(tmp_path / "f.npz", loudness_db=TONE["loudness_db"], frame_rate=100)
    with zipfile.ZipFile(tmp_path / "f.npz", "a") as archive:
        archive.writestr("f0_hz.npy", content)
    with pytest.raises(UserError, match=rf"f\.npz.*({message})"):
        load_features(tmp_path / "f.npz")


def test_archives_that_inflate_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "f.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("f0_hz.npy", npy((1 << 24 + 1,), bytes((1 << 27) + 8)))
    with pytest.raises(UserError, match=r"claims 134\d+ bytes"):
        load_features(tmp_path / "f.npz")
    with zipfile.ZipFile(tmp_path / "g.npz", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("f0_hz.npy", npy((3,), bytes(24)))
    with pytest.raises(UserError, match="numpy does not use"):
        load_features(tmp_path / "g.npz")


@pytest.mark.parametrize("suffix", [".npz", ".csv", ".json"])
def test_damaged_files_are_read_as_they_are_or_named(tmp_path, rng, suffix):
    path = tmp_path / f"f{suffix}"
    curves = {name: rng.uniform(1.0, 400.0, 40) for name in ("f0_hz", "loudness_db")}
    save_features(path, curves, 100, pitch_tracker={"name": "yin"})
    whole = path.read_bytes()
    for number in range(300):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), 1 + number % 3):
            damaged[place] = rng.integers(0, 256)
        path.write_bytes(damaged[: rng.integers(1, len(whole))] if number % 5 == 0 else damaged)
        load_tracker(path)
        try:
            features, _ = load_features(path, 250)
        except UserError as error:
            assert f"f{suffix}" in str(error) and "\n" not in str(error)
        else:
            assert all(np.isfinite(curve).all() for curve in features.values())
            assert all(len(curve) <= 250 * 4000 for curve in features.values())


def test_an_encrypted_archive_is_named(tmp_path):
    np.savez(tmp_path / "f.npz", **TONE, frame_rate=100)
    content = bytearray((tmp_path / "f.npz").read_bytes())
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = 0
        while (start := content.find(signature, start)) >= 0:
            content[start + place] |= 1
            start += 4
    (tmp_path / "f.npz").write_bytes(content)
    with pytest.raises(UserError, match=r"f\.npz: not a feature file .*(encrypted|password)"):
        load_features(tmp_path / "f.npz")


def test_nothing_invalid_is_written(tmp_path):
    with pytest.raises(UserError, match="lacks loudness_db"):
        save_features(tmp_path / "half.npz", {"f0_hz": np.ones(3)}, 250)
    with pytest.raises(UserError, match="frame_rate is nan"):
        save_features(tmp_path / "half.npz", TONE, float("nan"))
    with pytest.raises(UserError, match="f0_hz is nan at frame 1"):
        save_features(tmp_path / "half.npz", {**TONE, "f0_hz": [1.0, np.nan, 1.0]}, 250)
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


@pytest.mark.parametrize("frame_rate", [0, -1, float("nan"), 1e9, "100"])
def test_impossible_frame_rates_are_refused(tmp_path, frame_rate):
    path = tmp_path / "tone.npz"
    curves = {"f0_hz": np.full(9, 220.0), "loudness_db": np.zeros(9)}
    save_features(path, curves, 100)
    message = r"frame_rate is .*; expected frames a second, above 0"
    with pytest.raises(UserError, match=message):
        load_features(path, frame_rate)
    with pytest.raises(UserError, match=message):
        save_features(path, curves, frame_rate)

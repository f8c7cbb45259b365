"""Curves at another rate, and breakpoints drawn by hand."""

import numpy as np
import pytest

from ddsp_tf.errors import UserError
from ddsp_tf.features.resampling import resample_curves
from ddsp_tf.inference.feature_files import load_features, load_tracker, save_features


@pytest.mark.parametrize("rate", [50, 100, 250, 400])
def test_smooth_curves_survive_any_rate(rate):
    times = np.arange(1000) / 250
    curves = {
        "f0_hz": 220.0 * 2.0 ** (0.1 * np.sin(2 * np.pi * times)),
        "loudness_db": -30.0 + 5.0 * np.cos(2 * np.pi * times),
    }
    read = resample_curves(times, curves, rate)
    at = np.arange(read["f0_hz"].size) / rate
    assert at[-1] <= times[-1] + 1e-9 < at[-1] + 1 / rate
    wanted = 220.0 * 2.0 ** (0.1 * np.sin(2 * np.pi * at))
    np.testing.assert_allclose(read["f0_hz"], wanted, rtol=1e-4)
    np.testing.assert_allclose(read["loudness_db"], -30 + 5 * np.cos(2 * np.pi * at), atol=2e-3)


def test_pitch_does_not_glide_out_of_nothing():
    curves = {"f0_hz": np.array([0.0, 440.0, 0.0])}
    read = resample_curves(np.array([0.0, 1.0, 2.0]), curves, 10)["f0_hz"]
    assert set(read.tolist()) == {0.0, 440.0}
    assert (read[6:15] == 440.0).all() and (read[:5] == 0.0).all()


@pytest.mark.parametrize("suffix", [".csv", ".npz", ".json"])
def test_files_are_read_at_the_wanted_rate(tmp_path, suffix):
    path = tmp_path / f"f{suffix}"
    curves = {"f0_hz": np.linspace(200, 300, 101), "loudness_db": np.linspace(-50, -20, 101)}
    save_features(path, curves, 50)
    read, rate = load_features(path, 100)
    assert rate == 100 and read["f0_hz"].size == 201
    np.testing.assert_allclose(read["loudness_db"], np.linspace(-50, -20, 201), atol=1e-4)


def test_breakpoints_drawn_by_hand(tmp_path):
    path = tmp_path / "drawn.csv"
    path.write_text("time,f0_hz,loudness_db\n0,220,-60\n0.1,220,-20\n1.5,440,-20\n2,440,-60\n")
    read, rate = load_features(path, 100)
    assert rate == 100 and read["f0_hz"].size == 201
    assert read["f0_hz"][80] == pytest.approx(220 * np.sqrt(2), rel=1e-5)
    assert read["loudness_db"][[0, 10, 100, 175]].tolist() == pytest.approx([-60, -20, -20, -40])
    with pytest.raises(UserError, match="not evenly spaced"):
        load_features(path)


def test_breakpoints_whose_mean_rate_is_the_wanted_one_are_still_breakpoints(tmp_path):
    path = tmp_path / "drawn.csv"
    path.write_text("time,f0_hz,loudness_db\n0,220,-60\n1.5,220,-30\n2,220,-20\n")
    read, rate = load_features(path, 1)
    assert rate == 1 and read["loudness_db"].tolist() == [-60, -40, -20]


@pytest.mark.parametrize("times", [(0, 1, 1), (0, 2, 1)])
def test_times_that_do_not_increase_are_refused(tmp_path, times):
    path = tmp_path / "drawn.csv"
    rows = "".join(f"{time},220,-20\n" for time in times)
    path.write_text("time,f0_hz,loudness_db\n" + rows)
    with pytest.raises(UserError, match=r"drawn\.csv: the times do not increase"):
        load_features(path, 100)


def test_json_keeps_the_tracker(tmp_path):
    path = tmp_path / "f.json"
    curves = {"f0_hz": np.full(2, 440.0), "loudness_db": np.zeros(2)}
    save_features(path, curves, 250, pitch_tracker={"name": "yin"})
    assert load_tracker(path) == {"name": "yin"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "expected JSON"),
        ("[1, 2]", "found a list; expected an object"),
        ('{"f0_hz": [1], "loudness_db": [1]}', "frame_rate is None"),
        ('{"frame_rate": true, "f0_hz": [1], "loudness_db": [1]}', "frame_rate is True"),
        ('{"frame_rate": 250, "f0_hz": [1]}', "lacks loudness_db"),
        ('{"frame_rate": 250, "f0_hz": [1, "a"], "loudness_db": [1, 2]}', "not numbers"),
        ('{"frame_rate": 250, "f0_hz": 5, "loudness_db": [1, 2]}', r"shape \(\)"),
        ('{"frame_rate": 250, "f0_hz": [[1], [1, 2]], "loudness_db": [1, 2]}', "not numbers"),
    ],
)
def test_json_that_is_no_feature_file(tmp_path, content, message):
    path = tmp_path / "bad.json"
    path.write_text(content)
    with pytest.raises(UserError, match=rf"bad\.json.*{message}"):
        load_features(path)

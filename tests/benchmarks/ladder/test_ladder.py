"""The short form of `make ladder`: every rung is climbed with few steps and wider bounds."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytestmark = pytest.mark.long

LADDER = Path(__file__).parents[3] / "benchmarks" / "ladder"
SMALL = (
    "n_harmonics=8",
    "n_bands=9",
    "RnnDecoder.stack_channels=16",
    "RnnDecoder.stack_layers=1",
    "RnnDecoder.rnn_channels=16",
    "Reverb.length=400",
)


@pytest.fixture
def ladder(monkeypatch):
    """The ladder's modules by name."""
    monkeypatch.syspath_prepend(str(LADDER))
    return __import__


def climb(*arguments):
    command = [sys.executable, str(LADDER / "climb.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)


def test_rungs_leave_numbers_pages_and_sounds(tmp_path):
    out = tmp_path / "out"
    settings = [part for setting in SMALL for part in ("--set", setting)]
    done = climb("--quick", "--rungs", "1,2,3,4", "--config", "demo", "--out", out, *settings)
    results = {
        path.parent.name: json.loads(path.read_text()) for path in sorted(out.rglob("result.json"))
    }
    assert done.returncode == 0, (done.stdout, done.stderr[-2000:])
    assert [result["rung"] for result in results.values()] == [1, 2, 3, 4]
    for name, result in results.items():
        assert result["passed"] and result["gates"], name
        folder = next(out.rglob(name))
        for file in (*result["sounds"].values(), *result["pictures"].values()):
            assert (folder / file).stat().st_size > 0
    page = (out / "ladder.md").read_text()
    assert all(gate["what"] in page for r in results.values() for gate in r["gates"])
    assert 'src="2_one_clip_violin/reconstruction.wav"' in (out / "index.html").read_text()
    with open(next(out.rglob("3_files/table_0.csv")), newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 10 and all(float(row["trained"]) > 0.0 for row in rows)
    again = climb("--quick", "--out", out)
    assert again.returncode == 2 and "is there already" in again.stderr
    assert climb("--rungs", "2,9", "--out", tmp_path / "x").stderr.startswith("error: --rungs 2,9")


def test_a_gate_that_does_not_hold_is_seen(ladder, tmp_path):
    result = ladder("gates").Result(1, "title", "material", tmp_path)
    result.at_most("loss", 1.0, 2.0)
    assert result.passed
    result.at_least("share", float("nan"), 0.5)
    assert not result.passed and result.gates[1].wanted == "at least 0.5"
    result.write()
    assert json.loads((tmp_path / "result.json").read_text())["gates"][1]["value"] is None


def test_every_branch_and_the_encoder_can_be_built(ladder):
    from ddsp_tf.configuration.experiment import load_experiment

    ablation = ladder("ablation")
    nodes = {}
    for branch, overrides in ablation.BRANCHES.items():
        model = load_experiment("demo", [*ablation.START, *overrides]).model
        nodes[branch] = [processor.name for processor in model.processor_group.processors]
    assert nodes == {
        "harmonic": ["harmonic"],
        "+ noise": ["harmonic", "filtered_noise", "dry"],
        "+ reverb": ["harmonic", "filtered_noise", "dry", "reverb"],
    }
    for config in ("demo", "fast"):
        assert load_experiment(config, ladder("timbre").ENCODER).model.encoder is not None


def test_hiss_and_room_are_as_loud_as_they_say(ladder, rng):
    material = ladder("material")
    room = material.room_response(0.25, 16000)
    assert np.sum(room**2) == pytest.approx(0.5, rel=1e-3) and not room[:32].any()
    sound = 0.1 * np.sin(2.0 * np.pi * 500.0 * np.arange(32000) / 16000)
    made = material.with_noise_and_room(sound, 16000, seed=0) / 0.8
    dry_and_room = np.convolve(sound, np.concatenate([[1.0], room[1:]]))[:32000]
    hiss = made - dry_and_room
    # The room adds its half to the hiss, too.
    below = material.level_db(hiss[8000:-8000]) - material.level_db(sound)
    assert below == pytest.approx(-12.0 + 10.0 * np.log10(1.5), abs=1.0)


def floor_of(ladder, audio, f0_hz):
    from ddsp_tf.losses import MultiScaleSpectralLoss

    frames = len(audio) // 160
    clip = {
        "audio": np.float32(audio),
        "f0_hz": f0_hz + np.zeros(frames),
        "f0_confidence": np.full(frames, float(np.any(f0_hz > 0.0))),
    }
    return ladder("floor").noise_floor(clip, MultiScaleSpectralLoss(), 16000, draws=2)


def test_the_floor_of_noise_is_ln_2_a_scale(ladder, rng):
    losses, redrawn = floor_of(ladder, rng.normal(0.0, 0.1, 32000), 0.0)
    assert losses["log_magnitude"] == pytest.approx(6.0 * np.log(2.0), rel=0.02)
    assert np.mean(redrawn**2) == pytest.approx(0.01, rel=0.1)


def test_the_floor_of_tone_and_noise_is_what_two_takes_of_it_differ_by(ladder, rng):
    from ddsp_tf.losses import MultiScaleSpectralLoss

    time = np.arange(32000) / 16000
    f0_hz = 220.0 + 10.0 * np.sin(2.0 * np.pi * 5.0 * time)
    phase = 2.0 * np.pi * np.cumsum(f0_hz) / 16000
    sines = sum(0.2 / k * np.sin(k * phase + k) for k in range(1, 20))
    takes = [np.float32(sines + rng.normal(0.0, 0.005, time.size)) for _ in range(2)]
    expected = float(MultiScaleSpectralLoss()(takes[0][None], takes[1][None]))
    losses, _ = floor_of(ladder, takes[0], f0_hz[::160])
    assert losses["loss"] == pytest.approx(expected, rel=0.1)
    # Without noise there is hardly anything to redraw.
    losses, _ = floor_of(ladder, sines, f0_hz[::160])
    assert losses["loss"] < 0.3 * expected


def test_recordings_given_are_cut_in_turn_and_some_held_out(ladder, rng, tmp_path):
    material = ladder("material")
    for number in range(7):
        sound = rng.normal(0.0, 0.1, 16000 * (3 if number else 1))
        soundfile.write(tmp_path / f"{number}.wav", sound, 16000)
    given = material.given(tmp_path, None)
    assert [path.name for path in given.held_out] == ["5.wav"]
    assert [path.name for path in given.train] == [f"{k}.wav" for k in (0, 1, 2, 3, 4, 6)]
    assert len(material.clips_of(given.train, 1.0, 50, 16000)) == 16
    assert len(material.clips_of(given.train, 1.0, 8, 16000)) == 8


def test_passages_are_full_and_do_not_overlap(ladder, rng, tmp_path):
    sound = rng.normal(0.0, 0.01, 16000 * 7)
    sound[16000 * 2 : 16000 * 4] *= 10.0
    sound[16000 * 5 :] = 0.0
    soundfile.write(tmp_path / "a.wav", sound, 16000)
    passages = ladder("material").full_passages([tmp_path / "a.wav"], 2.0, 16000, most=9)
    assert len(passages) == 2
    np.testing.assert_allclose(passages[0], sound[32000:64000], atol=1e-4)
    # Of what is left without silence, a second is too short at the end.
    np.testing.assert_allclose(passages[1], sound[:32000], atol=1e-4)
    soundfile.write(tmp_path / "b.wav", 0.0 * sound, 16000)
    assert len(ladder("material").full_passages([tmp_path / "b.wav"], 2.0, 16000, 9)) == 1


def test_of_two_passages_the_less_noisy_one_is_taken(ladder, rng, tmp_path):
    from ddsp_tf.losses import MultiScaleSpectralLoss

    time = np.arange(16000) / 16000
    tone = sum(0.2 / k * np.sin(2.0 * np.pi * 220.0 * k * time + k) for k in range(1, 20))
    noisy, clear = (tone + rng.normal(0.0, level, 16000) for level in (0.1, 0.001))
    plan = ladder("plan").make_plan("demo", 0, quick=True)
    clip, table = ladder("one_clip").least_noisy(
        plan, [noisy, clear], MultiScaleSpectralLoss(), 16000, tmp_path
    )
    np.testing.assert_allclose(clip, clear, atol=1e-3)
    shares = [float(row[0].rstrip("%")) for row in table.rows]
    assert shares[0] < 0.3 * shares[1]

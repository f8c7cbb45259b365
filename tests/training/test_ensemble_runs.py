"""Trainings of one model on datasets of several instruments."""

import json
import runpy
import shutil
from pathlib import Path

import numpy as np
import pytest

from ddsp_tf.configuration.experiment import load_experiment
from ddsp_tf.data.manifest import load_manifest
from ddsp_tf.data.pipeline import training_batches
from ddsp_tf.errors import UserError
from ddsp_tf.evaluation.evaluator import evaluate_run
from ddsp_tf.evaluation.held_out import choose_parts
from ddsp_tf.files.run_directory import RunDiffersError, RunDirectory
from ddsp_tf.inference import bundled
from ddsp_tf.inference.model_files import load_model
from ddsp_tf.inference.playing import load_player, load_ranges
from ddsp_tf.inference.rendering import synthesize
from ddsp_tf.training.ensemble_runs import (
    are_written,
    equal_shares,
    instruments_override,
    write_instruments,
)
from ddsp_tf.training.run import train_run
from ddsp_tf.training.warm_start import configuration_of, find_ancestor, warm_start

CURVES = {"f0_hz": np.full(30, 330.0), "loudness_db": np.full(30, -20.0)}


@pytest.fixture
def run(tiny_ensemble, tmp_path):
    return shutil.copytree(tiny_ensemble, tmp_path / "run")


@pytest.fixture
def data(two_datasets):
    return two_datasets


def played(model):
    return np.concatenate(list(synthesize(model, CURVES)))


def test_clips_say_whose_they_are(data):
    folders = list(data.values())
    kind = {"clip_frames": 20, "batch_size": 8, "seed": 0, "with_sources": True}
    kind["instruments"] = [[1.0, 0.0], [0.0, 1.0]]
    batches = training_batches(folders, weights=[1, 1], gain_db=3.0, varispeed=1.0, **kind)
    features, _, about = next(iter(batches))
    assert features["instrument"].shape == (8, 1, 2) and "instrument" not in about
    names = [source.decode().partition("_")[0] for source in about["source"].numpy()]
    assert set(names) == {"melody", "flute"}
    assert np.argmax(features["instrument"][:, 0], axis=-1).tolist() == [
        ["melody", "flute"].index(name) for name in names
    ]
    with pytest.raises(UserError, match="1 mixtures of instruments for 2 datasets"):
        training_batches(folders, **{**kind, "instruments": [[1.0, 0.0]]})


def test_each_instrument_gives_as_many_clips(data):
    long, short = load_manifest(data["cello"]), load_manifest(data["flute"])
    assert equal_shares([long, short], ["cello", "flute"]) == [1.0, 1.0]
    shares = equal_shares([long, short, short], ["cello", "flute", "cello"])
    assert shares[0] + shares[2] == pytest.approx(1.0) and shares[0] > shares[2]


@pytest.mark.slow
def test_a_run_knows_its_instruments(run):
    record = RunDirectory(run).read()
    assert record["instruments"] == ["cello", "flute"] and record["weights"] == [1.0, 1.0]
    model = load_model(run)
    assert model.instruments == ("cello", "flute")
    cello = load_model(run, "cello")
    assert cello.instruments == () and not np.array_equal(played(cello), played(model))
    with pytest.raises(UserError, match=r"best.keras: instrument 'oboe': expected one of ce"):
        load_model(run, "oboe")
    with pytest.raises(UserError, match="cello: is one instrument already"):
        load_model(run / "instruments" / "cello", "cello")


@pytest.mark.slow
def test_another_dataset_is_played_by_all_of_them_and_that_is_said(run, data):
    RunDirectory(run).update({"dataset_fingerprint": "other datasets"})
    (part,), notes = choose_parts(RunDirectory(run), [data["cello"]])
    assert part.mixture is None and "by all instruments in equal shares" in notes[-1]


@pytest.mark.slow
def test_an_instrument_is_a_run_of_its_own(run, data):
    folder = run / "instruments" / "flute"
    player, _ = load_player(folder)
    np.testing.assert_array_equal(played(player), played(load_model(run, "flute")))
    record = RunDirectory(folder).read()
    assert record["step"] == 6 and "flute" in record["recordings"]
    manifest = load_manifest(data["flute"])
    assert load_ranges(folder) == manifest.statistics
    assert record["dataset_fingerprint"] == manifest.fingerprint


@pytest.mark.slow
def test_each_clip_is_judged_as_its_instrument(run):
    whole = evaluate_run(RunDirectory(run), clip_seconds=1.0).record
    part = evaluate_run(RunDirectory(run / "instruments" / "cello"), clip_seconds=1.0).record
    assert {clip.name.partition("_")[0] for clip in part.per_clip} == {"melody"}
    expected = {clip.name: clip.metrics["spectral_loss"] for clip in part.per_clip}
    found = {clip.name: clip.metrics["spectral_loss"] for clip in whole.per_clip}
    assert set(expected) < set(found)
    for name, loss in expected.items():
        assert found[name] == pytest.approx(loss, rel=1e-4)


@pytest.mark.slow
def test_training_resumes_only_with_the_same_names(run, data, tiny_overrides):
    swapped = {"cello": data["flute"], "flute": data["cello"]}
    with pytest.raises(RunDiffersError):
        train_run("demo", swapped, run, overrides=tiny_overrides, seed=1)
    with pytest.raises(RunDiffersError):
        train_run("demo", list(data.values())[:1], run, overrides=tiny_overrides, seed=1)
    assert train_run("demo", data, run, overrides=tiny_overrides, seed=1)["step"] == 6


def test_names_without_a_place_in_the_model(data, tmp_path, tiny_overrides):
    with pytest.raises(UserError, match="instrument 'a b': expected up to 60 letters"):
        train_run("demo", {"a b": data["cello"]}, tmp_path / "a", overrides=tiny_overrides)
    with pytest.raises(UserError, match="no dataset given"):
        train_run("demo", {}, tmp_path / "b", overrides=tiny_overrides)
    fixed = tmp_path / "own.gin"
    fixed.write_text("include 'demo.gin'\nRnnDecoder.instruments = ('cello',)\n")
    same = {"cello": data["cello"], "flute": data["cello"]}
    with pytest.raises(UserError, match="holds the same recordings for cello and flute"):
        train_run("demo", same, tmp_path / "b", overrides=tiny_overrides)
    with pytest.raises(UserError, match="datasets have no names, the model has the instruments ce"):
        train_run(str(fixed), data["cello"], tmp_path / "c", overrides=tiny_overrides)
    parts = ("RnnDecoder", "Harmonic", "Reverb")
    plain = "".join(f"{part}.instruments = ()\n" for part in parts)
    fixed.write_text(f"include 'demo.gin'\n{plain}")
    with pytest.raises(UserError, match=r"datasets have cello, flute, the model has .* none"):
        train_run(str(fixed), data, tmp_path / "d", overrides=tiny_overrides)
    assert list(tmp_path.iterdir()) == [fixed]


@pytest.mark.slow
def test_starting_from_an_ensemble_and_towards_one(run, tiny_run, tiny_overrides):
    single = load_experiment("demo", tiny_overrides, seed=3).model
    assert warm_start(single, run).endswith("all weights are taken")
    np.testing.assert_array_equal(played(single), played(load_model(run).solo()))
    assert warm_start(single, run / "instruments" / "flute").endswith("all weights are taken")
    np.testing.assert_array_equal(played(single), played(load_model(run, "flute")))
    assert find_ancestor(run / "instruments" / "flute").step == 6
    for source in (run, run / "instruments" / "flute"):
        config = configuration_of(source)
        override = instruments_override([], config)
        assert load_experiment(config, override).model.instruments == ()
    names = "instruments=['flute', 'oboe']"
    ensemble = load_experiment("demo", [*tiny_overrides, names], seed=4).model
    warm_start(ensemble, run)
    np.testing.assert_array_equal(played(ensemble.solo("flute")), played(load_model(run, "flute")))
    np.testing.assert_allclose(
        played(ensemble.solo("oboe")), played(load_model(run).solo()), atol=1e-5
    )
    warm_start(ensemble, tiny_run)
    for name in ("flute", "oboe"):
        np.testing.assert_array_equal(played(ensemble.solo(name)), played(load_model(tiny_run)))


@pytest.mark.slow
def test_a_package_holds_one_file_for_all(run, tiny_overrides, tmp_path, monkeypatch):
    program = Path(__file__).parents[2] / "benchmarks" / "bundled" / "make_instruments.py"
    runpy.run_path(str(program))["keep_ensemble"](RunDirectory(run), tmp_path / "kept")
    assert [path.parent.name for path in (tmp_path / "kept").rglob("*.keras")] == ["ensemble"]
    kept = {path.parent.name: path.parent for path in (tmp_path / "kept").rglob("run.json")}
    assert sorted(kept) == ["cello", "ensemble", "flute"]
    monkeypatch.setattr(bundled, "_FOLDERS", kept)
    monkeypatch.setattr(bundled, "NAMES", sorted(kept))
    flute = bundled.resolve_model("bundled:flute")
    assert str(run.parent) not in (flute / "run.json").read_text()
    np.testing.assert_array_equal(played(load_player(flute)[0]), played(load_model(run, "flute")))
    single = load_experiment("demo", tiny_overrides).model
    assert warm_start(single, "bundled:flute").endswith("all weights are taken")
    assert warm_start(single, "bundled:ensemble").endswith("all weights are taken")


@pytest.mark.slow
def test_folders_of_instruments_that_a_kill_left_behind(run, data):
    assert are_written(RunDirectory(run))
    RunDirectory(run).update({"step": 7})
    assert not are_written(RunDirectory(run))
    RunDirectory(run).update({"step": 6})
    damaged = RunDirectory(run).instrument("cello").record

    def entries():
        # The run is a copy in another place.
        record = json.loads(damaged.read_text())
        return {name: value for name, value in record.items() if name != "relative_datasets"}

    whole = entries()
    damaged.write_text("{")
    assert not are_written(RunDirectory(run))
    manifests = [load_manifest(folder) for folder in data.values()]
    write_instruments(RunDirectory(run), list(data.values()), manifests, list(data))
    assert entries() == whole and are_written(RunDirectory(run))


@pytest.mark.slow
def test_an_instrument_whose_ensemble_is_gone(run, tmp_path):
    part = tmp_path / "alone"
    part.mkdir()
    record = json.loads((run / "instruments" / "cello" / "run.json").read_text())
    (part / "run.json").write_text(json.dumps(record))
    with pytest.raises(UserError, match=r"whose model .*best\.keras is missing"):
        load_model(part)

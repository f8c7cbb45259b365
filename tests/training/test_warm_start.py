"""Trainings that start from the weights of another model."""

import dataclasses
import json
import shutil
import zipfile

import keras
import numpy as np
import pytest
from small_models import make_model, make_model_with_timbre

from ddsp_tf.configuration.experiment import load_experiment
from ddsp_tf.errors import UserError
from ddsp_tf.files.metrics_log import MetricsLog
from ddsp_tf.files.run_directory import RunDiffersError, RunDirectory
from ddsp_tf.inference.model_files import load_model, save_model
from ddsp_tf.models import Autoencoder
from ddsp_tf.training.run import train_run
from ddsp_tf.training.warm_start import configuration_of, find_ancestor, warm_start
from ddsp_tf.training.weight_transfer import take_weights

SHORT = (
    "train.steps=2",
    "train.validate_every=2",
    "train.render_every=0",
    "Reverb.length=300",
)


SIZES = ("stack_channels=4", "stack_layers=1", "rnn_channels=4")
SMALL = (
    "n_harmonics=6",
    "n_bands=5",
    "Reverb.length=40",
    *(f"{decoder}.{size}" for decoder in ("RnnDecoder", "MinGruDecoder") for size in SIZES),
)
CURVES = {"f0_hz": np.full((1, 9), 330.0), "loudness_db": np.full((1, 9), -20.0)}


def small(*overrides, seed=0):
    return load_experiment("demo", [*SMALL, *overrides], seed).model


@pytest.fixture(scope="module")
def base():
    return small(seed=1)


def weights_of(model):
    return [np.array(weight) for weight in model.get_weights()]


def raw_outputs(model):
    outputs, _ = model.decode(CURVES)
    return {name: keras.ops.convert_to_numpy(value) for name, value in outputs.items()}


@pytest.mark.parametrize("made", [make_model, make_model_with_timbre])
def test_a_model_of_the_same_shape_becomes_the_same(made):
    # Paths of a model's weights differ between one that was built and one that was loaded.
    base, model = Autoencoder.from_config(made().get_config()), made()
    base.set_weights([0.5 * weight for weight in weights_of(model)])
    assert take_weights(model, base)[1] == {}
    for ours, theirs in zip(weights_of(model), weights_of(base), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("overrides", "parts", "words"),
    [
        (["n_harmonics=9"], {"harmonic_distribution"}, "6, here 9"),
        (["Reverb.length=50"], {"reverb"}, "40, here 50"),
        (["Reverb.tap_scale=0.5"], {"reverb"}, "tap_scale 1, here 0.5"),
        (["frame_rate=125"], {"gru"}, "frame rate 100, here 125"),
        (
            ["sample_rate=24000", "MultiScaleSpectralLoss.fft_sizes=None"],
            {"harmonic", "reverb", "noise_magnitudes"},
            "sample rate 16000, here 24000",
        ),
        (["RnnDecoder.rnn_channels=5"], {"gru", "output_stack"}, "8x12, here 8x15"),
        (["Autoencoder.decoder=@MinGruDecoder()"], {"dense", "min_gru", "min_gru_1"}, "not in it"),
        (["decoder_inputs=['f0_hz', 'power_db']"], {"power_db_stack"}, "not in it"),
    ],
)
def test_what_differs_keeps_its_initial_weights_and_is_named(overrides, parts, words, base):
    model = small(*overrides)
    before = weights_of(model)
    taken, new = take_weights(model, base)
    assert set(new) == parts and words in new.values()
    assert {"amplitudes"} <= set(taken)
    pairs = zip(weights_of(model), before, strict=True)
    same = [np.array_equal(after, earlier) for after, earlier in pairs]
    assert any(same) and not all(same)


def test_columns_of_outputs_stay_with_their_names(base):
    order = "decoder_outputs={'noise_magnitudes': 5, 'harmonic_distribution': 6, 'amplitudes': 1}"
    model = small(order)
    assert take_weights(model, base)[1] == {}
    theirs = raw_outputs(base)
    for name, value in raw_outputs(model).items():
        np.testing.assert_allclose(value, theirs[name], rtol=1e-5, atol=1e-6)


@pytest.fixture(scope="module")
def second(tiny_run, tiny_dataset, tiny_overrides, tmp_path_factory):
    """A folder with a base and a run of two steps that started from it, and what it said."""
    folder, said = tmp_path_factory.mktemp("second"), []
    base = shutil.copytree(tiny_run, folder / "base")
    overrides = [*tiny_overrides, *SHORT]
    options = {"start_from": base, "on_warning": said.append, "overrides": overrides}
    train_run("demo", tiny_dataset, folder / "run", **options)
    return folder, said


@pytest.fixture
def train(tiny_dataset, tiny_overrides, tmp_path):
    """Trains a copy of the run further."""

    def further(folder, **options):
        overrides = [*tiny_overrides, *SHORT, "train.steps=4"]
        shutil.copytree(folder / "run", tmp_path / "run", dirs_exist_ok=True)
        return train_run("demo", tiny_dataset, tmp_path / "run", overrides=overrides, **options)

    return further


@pytest.mark.slow
def test_a_run_starts_from_another_and_says_so(second, tiny_run):
    folder, said = second
    assert f"{folder / 'base'}: weights are taken, except those of reverb (400, here 300)" in said
    run, base = RunDirectory(folder / "run"), RunDirectory(tiny_run)
    ancestor = run.read()["ancestor"]
    assert ancestor["source"] == str(folder / "base") and ancestor["step"] == 6
    assert ancestor["recordings"] == base.read()["recordings"]
    losses = [MetricsLog(one.metrics).column("validation_loss")[1] for one in (run, base)]
    assert losses[0][0] < losses[1][0]
    # A third one would know both.
    assert find_ancestor(folder / "run").ancestor == ancestor


@pytest.mark.slow
def test_a_run_resumes_without_the_model_it_started_from(second, train, tmp_path):
    folder, _ = second
    before, said = RunDirectory(folder / "run").read()["ancestor"], []
    hidden = (folder / "base").rename(folder / "hidden")
    try:
        assert train(folder, start_from=folder / "base", on_warning=said.append)["step"] == 4
    finally:
        hidden.rename(folder / "base")
    assert not any("weights are taken" in text for text in said)
    assert RunDirectory(tmp_path / "run").read()["ancestor"] == before


@pytest.mark.slow
def test_a_run_resumes_only_from_the_same_model(second, train, tmp_path):
    folder, _ = second
    with pytest.raises(RunDiffersError, match=r"from .*base \(.*\), now it is initial weights"):
        train(folder)
    moved = shutil.copytree(folder / "base", tmp_path / "moved")
    assert train(folder, start_from=moved)["step"] == 4
    model = load_model(moved)
    model.set_weights([0.5 * weight for weight in weights_of(model)])
    save_model(model, moved / "best.keras")
    with pytest.raises(RunDiffersError, match=r"from .*base \(.*\), now it is .*moved \("):
        train(folder, start_from=moved)


def test_configuration_is_that_of_the_model(tiny_run, tmp_path):
    assert configuration_of(tiny_run) == str(tiny_run / "config.gin")
    assert configuration_of(tiny_run / "best.keras") == str(tiny_run / "config.gin")
    shutil.copy(tiny_run / "best.keras", tmp_path / "alone.keras")
    with pytest.raises(UserError, match=r"alone\.keras: no run\.json beside it.*--config"):
        configuration_of(tmp_path / "alone.keras")


def test_a_file_without_a_run_is_enough(tiny_run, tiny_overrides, tmp_path):
    shutil.copy(tiny_run / "best.keras", tmp_path / "alone.keras")
    model = load_experiment("demo", tiny_overrides).model
    assert warm_start(model, tmp_path / "alone.keras").endswith("all weights are taken")
    assert dataclasses.asdict(find_ancestor(tmp_path / "alone.keras"))["recordings"] == ""


def hostile(path, tiny_run):
    """A model whose file names a function to run."""
    with zipfile.ZipFile(tiny_run / "best.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    config["config"]["decoder"] = {
        "module": "os",
        "class_name": "system",
        "config": {},
        "registered_name": None,
    }
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("missing", "nowhere: not found"),
        ("dataset", r"no best\.keras in it; expected a run directory"),
        ("bundled", "bundled:kazoo: no such bundled model; there are alto_sax"),
        ("text", r"text\.keras: damaged, or not a \.keras file"),
        ("hostile", r"hostile\.keras: not loaded, because its configuration names os\.system"),
        ("other", "none of its weights fits"),
    ],
)
def test_bad_models_are_one_line_and_nothing_is_written(
    kind, words, tiny_run, tiny_dataset, tiny_overrides, tmp_path
):
    sources = {
        "missing": tmp_path / "nowhere",
        "dataset": tiny_dataset,
        "bundled": "bundled:kazoo",
        "text": tmp_path / "text.keras",
        "hostile": tmp_path / "hostile.keras",
        "other": "bundled:violin",
    }
    (tmp_path / "text.keras").write_text("not a model")
    hostile(tmp_path / "hostile.keras", tiny_run)
    with pytest.raises(UserError, match=words) as error:
        train_run(
            "demo",
            tiny_dataset,
            tmp_path / "run",
            overrides=tiny_overrides,
            start_from=sources[kind],
        )
    assert "\n" not in str(error.value)
    assert not (tmp_path / "run").exists()

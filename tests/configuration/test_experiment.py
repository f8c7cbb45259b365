import pytest

import ddsp_tf.configuration.experiment as module
from ddsp_tf.configuration.experiment import (
    find_configuration,
    load_experiment,
    load_extractor,
    shipped_names,
)
from ddsp_tf.errors import UserError
from ddsp_tf.processors import Harmonic

SMALL = ["RnnDecoder.stack_channels=4", "RnnDecoder.rnn_channels=4"]


def test_configuration_reaches_every_object():
    experiment = load_experiment(
        "vst", [*SMALL, "train.steps=7", "frame_rate=100", "n_harmonics=5"], seed=3
    )
    assert experiment.training.steps == 7
    assert experiment.extractor.frame_rate == experiment.model.frame_rate == 100
    assert experiment.model.decoder.input_names == ("f0_hz", "power_db")
    assert experiment.model.decoder.output_sizes["harmonic_distribution"] == 5
    assert experiment.loss.fft_sizes == (2048, 1024, 512, 256, 128, 64)


@pytest.mark.parametrize(
    ("name", "has_loop"), [("demo", True), ("fast_dry", False), ("autoencoder", True)]
)
def test_the_compiler_hears_of_loops_before_there_are_weights(name, has_loop, monkeypatch):
    class HeardError(Exception):
        pass

    def hear(has_loop):
        raise HeardError(has_loop)

    monkeypatch.setattr(module, "set_xla_flags", hear)
    with pytest.raises(HeardError, match=str(has_loop)):
        load_experiment(name)


def test_defaults_outside_gin_are_untouched():
    load_experiment("demo", [*SMALL, "n_harmonics=5"])
    assert Harmonic().n_harmonics == 60


def test_text_describes_the_whole_experiment(tmp_path):
    first = load_experiment("demo", [*SMALL, "n_bands=9"], seed=1)
    file = tmp_path / "written.gin"
    file.write_text(first.text)
    again = load_experiment(str(file), seed=1)
    assert again.text == first.text
    assert again.model.get_config() == first.model.get_config()


def test_seed_decides_initial_weights():
    def weights(seed):
        model = load_experiment("demo", SMALL, seed).model
        model.build()
        return model.decoder.output_layer.kernel.numpy()

    assert (weights(1) == weights(1)).all()
    assert (weights(1) != weights(2)).any()


def test_shipped_names_and_paths_are_found(tmp_path):
    assert {"demo", "solo_instrument", "vst"} <= set(shipped_names())
    assert find_configuration("models/vst") == find_configuration("vst")
    own = tmp_path / "own.gin"
    own.write_text('include "models/vst.gin"  # the small one\nframe_rate = 40\n')
    assert load_extractor(str(own)).frame_rate == 40


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("Harmonic.n_harmonic=3", ["Harmonic", "'n_harmonic'", "did you mean 'n_harmonics'"]),
        ("n_harmonix=3", ["n_harmonix", "did you mean 'n_harmonics'"]),
        ("train.stps=3", ["train has no setting 'stps'", "did you mean 'steps'"]),
        ("trian.steps=3", ["trian.steps", "did you mean 'train.steps'"]),
        ("train.steps", ["train.steps", "NAME=VALUE"]),
        ("train.steps=", ["train.steps"]),
        ("train.steps=0", ["train.steps=0", "above 0"]),
        ("train.steps=1.5", ["train.steps=1.5", "whole number"]),
        ("frame_rate=333", ["333", "16000"]),
        ("Harmonic.n_harmonics=20", ["20", "60", "harmonic_distribution"]),
        ("Harmonic.interpolation='cubic'", ["interpolation", "cubic"]),
        ("MultiScaleSpectralLoss.fft_sizes=(1023,)", ["fft_sizes", "1023"]),
    ],
)
def test_mistakes_are_one_line_that_names_the_setting(override, words):
    with pytest.raises(UserError) as error:
        load_experiment("demo", [override])
    message = str(error.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_wrong_files_are_named(tmp_path):
    known = r"nowhere.*autoencoder, demo, ensemble, fast, .*, vst"
    with pytest.raises(UserError, match=known):
        load_experiment("nowhere")
    broken = tmp_path / "broken.gin"
    broken.write_text("train.steps = = 3\n")
    with pytest.raises(UserError, match=r"broken\.gin"):
        load_experiment(str(broken))
    binary = tmp_path / "binary.gin"
    binary.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(UserError, match=r"binary\.gin"):
        load_experiment(str(binary))
    missing = tmp_path / "missing.gin"
    missing.write_text("include 'nowhere.gin'\n")
    with pytest.raises(UserError, match=r"missing\.gin.*nowhere\.gin"):
        load_experiment(str(missing))
    circular = tmp_path / "circular.gin"
    circular.write_text("include 'circular.gin'\n")
    with pytest.raises(UserError, match=r"circular\.gin.*includes itself"):
        load_experiment(str(circular))
    misspelt = tmp_path / "misspelt.gin"
    misspelt.write_text("include 'demo.gin'\nReverb.lenght = 5\n")
    with pytest.raises(UserError, match=r"misspelt\.gin.*lenght.*did you mean 'length'"):
        load_experiment(str(misspelt))

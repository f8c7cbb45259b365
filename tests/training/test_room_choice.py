"""A model's room is suited to the recordings: learned slowly, or left out."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from small_models import make_curves, make_decoder, make_ensemble, make_model

from ddsp_tf.configuration.experiment import load_experiment
from ddsp_tf.configuration.settings import TrainingSettings
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.inference.model_files import load_model
from ddsp_tf.models import Autoencoder, LevelMatching
from ddsp_tf.processors import Harmonic, ProcessorGroup, Reverb, Sinusoidal
from ddsp_tf.training import room_choice
from ddsp_tf.training.room_choice import suit_room
from ddsp_tf.training.run import train_run


def signals(model):
    found, _ = model.render(make_curves(1, 20))
    return {name: keras.ops.convert_to_numpy(value) for name, value in found.items()}


def suited(model, fall_db, monkeypatch, room="auto"):
    """Suits a model to recordings whose tones fall by so much."""
    monkeypatch.setattr(room_choice, "largest_fall_db", lambda recordings, rate: fall_db)
    experiment = SimpleNamespace(model=model, training=TrainingSettings(room=room))
    return suit_room(experiment, [SimpleNamespace(extractor={"loudness_fft_size": 1024})])


def test_without_a_room_what_is_left_plays_as_before(monkeypatch):
    model = make_model()
    model.level_matching = LevelMatching(1.0)
    before, count = signals(model), len(model.weights)
    said = suited(model, 55.0, monkeypatch)
    assert "fall by 55 dB" in said and "reverb is left out" in said and "\n" not in said
    after = signals(model)
    assert list(after) == ["harmonic", "filtered_noise", "dry"]
    for name, value in after.items():
        np.testing.assert_array_equal(value, before[name])
    assert len(model.weights) == count - 1
    copy = Autoencoder.from_config(model.get_config())
    copy.set_weights(model.get_weights())
    for name, value in signals(copy).items():
        np.testing.assert_allclose(value, before[name], atol=1e-6)


def test_one_room_among_several_instruments_is_kept(monkeypatch):
    manifests = [
        SimpleNamespace(extractor={"loudness_fft_size": 512}, fall=f) for f in (55.0, 30.0)
    ]
    monkeypatch.setattr(room_choice, "_recordings", lambda group: [one.fall for one in group])
    monkeypatch.setattr(room_choice, "largest_fall_db", lambda falls, rate: max(falls))
    for make, said in ((make_model, "reverb is left out"), (make_ensemble, "reverb is learned sl")):
        experiment = SimpleNamespace(model=make(), training=TrainingSettings(room="auto"))
        assert said in suit_room(experiment, manifests)


@pytest.mark.parametrize("fall_db", [30.0, None])
def test_a_room_is_learned_slowly(fall_db, monkeypatch):
    model = make_model()
    said = suited(model, fall_db, monkeypatch)
    assert said.startswith("reverb is learned slowly, and levels are matched")
    reverb = model.processor_group.processors[-1]
    assert (reverb.name, reverb.tap_scale) == ("reverb", 0.05)
    copy = Autoencoder.from_config(model.get_config())
    assert copy.processor_group.processors[-1].tap_scale == 0.05
    expected = {"tolerance_db": 1.0, "loudness_fft_size": 1024}
    assert copy.level_matching.get_config() == expected
    # What a configuration chose stays.
    reverb.tap_scale = model.level_matching.tolerance_db = 0.2
    suited(model, fall_db, monkeypatch)
    assert reverb.tap_scale == model.level_matching.tolerance_db == 0.2


def test_a_model_is_kept_where_there_is_nothing_to_suit(monkeypatch):
    model = make_model()
    assert suited(model, 55.0, monkeypatch, room="keep") is None
    assert model.processor_group.processors[-1].tap_scale == 1.0 and not model.level_matching
    dry = make_model()
    dry.processor_group.remove_output()
    assert suited(dry, 55.0, monkeypatch) is None and dry.level_matching is None


def test_levels_are_matched_only_where_they_are_known(monkeypatch):
    decoder = make_decoder(output_sizes={"amplitudes": 3, "frequencies": 3})
    sines = (Sinusoidal(n_sinusoids=3), ["amplitudes", "frequencies"])
    model = Autoencoder(decoder, ProcessorGroup([sines, (Reverb(length=30), ["sinusoidal"])]))
    said = suited(model, 55.0, monkeypatch)
    assert "reverb is left out; train" in said and model.level_matching is None


def test_the_only_node_stays():
    inputs = ["amplitudes", "harmonic_distribution", "f0_hz"]
    with pytest.raises(ValueError, match="harmonic is the only node"):
        ProcessorGroup([(Harmonic(n_harmonics=4), inputs)]).remove_output()


def test_shipped_configurations_with_a_room_look_for_one():
    for name in ("solo_instrument", "fast_48k", "vst"):
        assert load_experiment(name, ["Reverb.length=100"]).training.room == "auto"


@pytest.mark.slow
def test_a_run_without_a_room_resumes(tiny_dataset, tiny_overrides, tmp_path, monkeypatch):
    monkeypatch.setattr(room_choice, "largest_fall_db", lambda recordings, rate: 55.0)
    said, folder = [], tmp_path / "run"
    for steps in (2, 4):
        overrides = [*tiny_overrides, "train.room='auto'", "train.validate_every=2"]
        overrides += [f"train.steps={steps}", "train.render_every=0"]
        overrides += ["Autoencoder.level_matching=None"]
        train_run("demo", tiny_dataset, folder, overrides=overrides, on_warning=said.append)
    assert ["reverb is left out" in text for text in said].count(True) == 2
    assert RunDirectory(folder).read()["step"] == 4
    model = load_model(folder)
    assert [one.name for one in model.processor_group.processors][-1] == "dry"
    assert model.level_matching.tolerance_db == 0.5

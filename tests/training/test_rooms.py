"""A room that recordings do not have is left out of the model."""

import keras
import numpy as np
import pytest
from small_models import make_curves, make_decoder, make_model

from ddsp_tf.configuration.experiment import load_experiment
from ddsp_tf.data.manifest import load_manifest
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.inference.model_files import load_model
from ddsp_tf.models import Autoencoder, LevelMatching
from ddsp_tf.processors import Harmonic, ProcessorGroup, Reverb, Sinusoidal
from ddsp_tf.training import rooms
from ddsp_tf.training.rooms import leave_out_room, suit_room
from ddsp_tf.training.run import train_run


def signals(model):
    found, _ = model.render(make_curves(1, 20))
    return {name: keras.ops.convert_to_numpy(value) for name, value in found.items()}


def test_what_is_left_plays_as_before():
    model = make_model()
    model.level_matching = LevelMatching(1.0)
    before, count = signals(model), len(model.weights)
    assert leave_out_room(model, 512) == "reverb"
    after = signals(model)
    assert list(after) == ["harmonic", "filtered_noise", "dry"]
    for name, value in after.items():
        np.testing.assert_array_equal(value, before[name])
    assert len(model.weights) == count - 1
    copy = Autoencoder.from_config(model.get_config())
    copy.set_weights(model.get_weights())
    for name, value in signals(copy).items():
        np.testing.assert_allclose(value, before[name], atol=1e-6)


def test_levels_are_matched_where_they_are_known():
    model = make_model()
    leave_out_room(model, 1024)
    assert model.level_matching.get_config() == {"tolerance_db": 1.0, "loudness_fft_size": 1024}
    decoder = make_decoder(output_sizes={"amplitudes": 3, "frequencies": 3})
    nodes = [
        (Sinusoidal(n_sinusoids=3), ["amplitudes", "frequencies"]),
        (Reverb(length=30), ["sinusoidal"]),
    ]
    model = Autoencoder(decoder, ProcessorGroup(nodes))
    assert leave_out_room(model, 512) == "reverb" and model.level_matching is None


def test_the_only_node_stays():
    inputs = ["amplitudes", "harmonic_distribution", "f0_hz"]
    with pytest.raises(ValueError, match="harmonic is the only node"):
        ProcessorGroup([(Harmonic(n_harmonics=4), inputs)]).remove_output()


@pytest.mark.parametrize(
    ("fall_db", "room", "left_out"),
    [(55.0, "auto", True), (55.0, "keep", False), (30.0, "auto", False), (None, "auto", False)],
)
def test_recordings_decide(fall_db, room, left_out, tiny_dataset, tiny_overrides, monkeypatch):
    monkeypatch.setattr(rooms, "largest_fall_db", lambda recordings, rate: fall_db)
    experiment = load_experiment("demo", [*tiny_overrides, f"train.room='{room}'"])
    said = suit_room(experiment, [load_manifest(tiny_dataset)])
    last = experiment.model.processor_group.processors[-1].name
    assert (said is not None, last) == (left_out, "dry" if left_out else "reverb")
    if said:
        assert "fall by 55 dB" in said and "reverb is left out" in said and "\n" not in said


def test_shipped_configurations_with_a_room_look_for_one():
    for name in ("solo_instrument", "fast_48k", "vst"):
        assert load_experiment(name, ["Reverb.length=100"]).training.room == "auto"


@pytest.mark.slow
def test_a_run_without_a_room_resumes(tiny_dataset, tiny_overrides, tmp_path, monkeypatch):
    monkeypatch.setattr(rooms, "largest_fall_db", lambda recordings, rate: 55.0)
    said, folder = [], tmp_path / "run"
    for steps in (2, 4):
        overrides = [*tiny_overrides, "train.room='auto'", "train.validate_every=2"]
        overrides += [f"train.steps={steps}", "train.render_every=0"]
        train_run("demo", tiny_dataset, folder, overrides=overrides, on_warning=said.append)
    assert ["reverb is left out" in text for text in said].count(True) == 2
    assert RunDirectory(folder).read()["step"] == 4
    model = load_model(folder)
    assert [one.name for one in model.processor_group.processors][-1] == "dry"
    assert model.level_matching.tolerance_db == 1.0

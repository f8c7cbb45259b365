"""What goes wrong while a run trains is reported once."""

import json

import numpy as np
import pytest
from small_models import make_decoder, make_model

from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.models import Autoencoder
from ddsp_tf.processors import FilteredNoise, ProcessorGroup
from ddsp_tf.training.health import Health
from ddsp_tf.training.run import train_run

HEALTHY = {"level_target_db": -20.0, "level_harmonic_db": -22.0, "level_filtered_noise_db": -50.0}
OUTPUT = {"level_reverb_db": -21.0}


@pytest.fixture
def health():
    """Of a chain that ends in a reverb, from step 100 on."""
    return Health(["harmonic", "filtered_noise"], "reverb", after_step=100)


def test_nothing_is_said_of_a_healthy_run(health):
    assert health.examine(100, {**HEALTHY, **OUTPUT}) == []


def test_silence_is_said_once_and_again_after_it_has_come_back(health):
    silent = {**HEALTHY, "level_reverb_db": -61.0}
    assert health.examine(99, silent) == []
    (text,) = health.examine(150, silent)
    assert text.startswith("step 150: the output has fallen silent (-61 dB")
    assert health.examine(200, silent) == []
    assert health.examine(250, {**HEALTHY, **OUTPUT}) == []
    assert len(health.examine(300, silent)) == 1


def test_a_dead_branch_is_named(health):
    dead = {**HEALTHY, **OUTPUT, "level_harmonic_db": -91.0}
    (text,) = health.examine(150, dead)
    assert text.startswith("step 150: harmonic no longer adds anything (-91 dB")
    (text,) = health.examine(200, {**dead, "level_filtered_noise_db": -95.0})
    assert text.startswith("step 200: filtered_noise no longer adds anything")


def test_a_room_that_carries_the_tone_is_named():
    health = Health(["harmonic"], "reverb", after_step=100, rooms={"reverb": "dry"})
    levels = {**HEALTHY, **OUTPUT, "level_dry_db": -24.0}
    assert health.examine(150, levels) == []
    (text,) = health.examine(200, {**levels, "level_dry_db": -35.0})
    assert text.startswith("step 200: reverb is 14 dB louder than the dry sound")
    assert "fast_dry" in text and "\n" not in text


def test_rooms_of_a_model_are_found():
    health = Health.of(make_model(), after_step=0)
    assert health.rooms == {"reverb": "dry"} and health.output == "reverb"
    group = ProcessorGroup([(FilteredNoise(n_bands=9), ["noise_magnitudes"])])
    decoder = make_decoder(output_sizes={"noise_magnitudes": 9})
    assert Health.of(Autoencoder(decoder, group), after_step=0).rooms == {}


def test_silent_recordings_give_nothing_to_compare_with(health):
    quiet = {"level_target_db": -75.0, "level_harmonic_db": -120.0}
    assert health.examine(150, {**HEALTHY, "level_reverb_db": -120.0, **quiet}) == []


@pytest.mark.slow
def test_a_run_says_and_keeps_it(tiny_dataset, tiny_overrides, tmp_path):
    # No noise can sound with gains of 1e-7.
    overrides = [*tiny_overrides, "FilteredNoise.initial_bias=-40.0", "train.warm_up_steps=0"]
    said = []
    train_run("demo", tiny_dataset, tmp_path / "run", overrides=overrides, on_warning=said.append)
    assert said[-1].startswith("step 3: filtered_noise no longer adds")
    assert sum("no longer adds" in text for text in said) == 1
    record = json.loads(RunDirectory(tmp_path / "run").record.read_text())
    # Advice on the range of the recordings is given at every start, and not kept.
    assert record["warnings"] == [text for text in said if text.startswith("step")]
    assert np.isfinite(record["best_validation_loss"])

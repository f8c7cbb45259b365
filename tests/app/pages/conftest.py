"""Instruments for the live page, and the page in Chromium."""

import dataclasses

import numpy as np
import pytest
import soundfile
from live_browser import NOTES, drive
from played_notes import PHRASE, RATE, random_network

from ddsp_tf.app.live_instruments import instrument_of_export, instrument_of_model
from ddsp_tf.app.pages.live_page import write_live_page
from ddsp_tf.configuration.experiment import load_experiment
from ddsp_tf.export.expression_litert import write_expression
from ddsp_tf.expression.learned import LearnedExpression
from ddsp_tf.inference.expression_files import save_expression

SIZES = (
    "n_harmonics=20",
    "n_bands=9",
    "RnnDecoder.stack_channels=16",
    "RnnDecoder.rnn_channels=16",
    "Autoencoder.level_matching=@LevelMatching()",
    "LevelMatching.tolerance_db=1.0",
    "LevelMatching.loudness_fft_size=512",
)


@pytest.fixture(scope="session")
def models():
    """Untrained models at the requested level: 250 frames a second with a room, 50 without one."""
    return {
        "quick": _model("fast", "frame_rate=250", "Reverb.length=400"),
        "calm": _model("fast_dry", "frame_rate=50"),
    }


def _model(config, *overrides):
    model = load_experiment(config, [*SIZES, *overrides]).model
    model.build()
    return model


@pytest.fixture(scope="session")
def player(tmp_path_factory):
    """An expression with a random network, and the content of its file."""
    folder = tmp_path_factory.mktemp("expression")
    learned = LearnedExpression.of(random_network(), [PHRASE], RATE)
    save_expression(folder / "own.npz", learned)
    write_expression(folder / "own.npz", folder)
    return learned, (folder / "expression.tflite").read_bytes()


@pytest.fixture(scope="session")
def instruments(models, tiny_export, player):
    """An export with an expression, and the models without one."""
    export = instrument_of_export(tiny_export, "tiny")
    found = [dataclasses.replace(export, expression=player[1])]
    return found + [instrument_of_model(model, {}, name) for name, model in models.items()]


@pytest.fixture(scope="session")
def page(instruments, tmp_path_factory):
    """One file with all of them."""
    path = tmp_path_factory.mktemp("live") / "page.html"
    return write_live_page(path, instruments, single_file=True)


@pytest.fixture(scope="session")
def melody_file(tmp_path_factory):
    """Three notes of a second, and rests of half a second, at the rate of browsers."""
    rate = 48000
    time = np.arange(rate) / rate
    envelope = np.minimum(1, np.minimum(time, 1 - time) / 0.02)
    sound = []
    for midi in NOTES:
        phase = 2 * np.pi * 440 * 2 ** ((midi - 69) / 12) * time
        sound += [0.15 * envelope * sum(np.sin(k * phase) / k for k in range(1, 9))]
        sound += [np.zeros(rate // 2)]
    path = tmp_path_factory.mktemp("live") / "melody.wav"
    soundfile.write(path, np.concatenate(sound), rate)
    return path


@pytest.fixture
def play(page, melody_file, tmp_path):
    """Runs a scenario; nothing may appear on the console as an error."""

    def run(scenario, **job):
        results, messages = drive(page, tmp_path, scenario, microphone=melody_file, **job)
        assert messages == []
        return results

    return run

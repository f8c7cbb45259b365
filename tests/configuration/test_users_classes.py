"""Classes of users in gin files: registered from Python or by gin itself, checked like ours."""

import subprocess
import sys
import types

import keras
import numpy as np
import pytest

import ddsp_tf
import gin
from ddsp_tf.configuration.registry import parameters
from ddsp_tf.errors import UserError
from ddsp_tf.features import pitch
from ddsp_tf.inference.model_files import load_model, save_model

SMALL = ["RnnDecoder.stack_channels=4", "RnnDecoder.rnn_channels=4", "n_harmonics=4", "n_bands=5"]
NODES = """
ProcessorGroup.nodes = [
    (@Harmonic(), ['amplitudes', 'harmonic_distribution', 'f0_hz']),
    (@FilteredNoise(), ['noise_magnitudes']),
    (@dry/Add(), ['harmonic', 'filtered_noise']),
    (@{}(), ['dry']),
]
"""


@ddsp_tf.configurable
class Louder(ddsp_tf.Processor):
    """Multiplies the signal by a constant."""

    input_names = ("signal",)

    def __init__(self, gain=2.0, name="louder", **kwargs):
        super().__init__(name=name, **kwargs)
        self.gain = gain

    def get_config(self):
        return {**super().get_config(), "gain": self.gain}

    def get_controls(self, signal):
        return {"signal": signal}

    def get_signal(self, signal):
        return self.gain * signal


@ddsp_tf.configurable
class AbsoluteError(keras.losses.Loss):
    def __init__(self, scale=1.0, name="absolute_error", **kwargs):
        super().__init__(name=name, **kwargs)
        self.scale = scale

    def call(self, y_true, y_pred):
        return self.scale * keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)


@ddsp_tf.configurable
class Steady(ddsp_tf.PitchTracker):
    """Finds the same pitch in every recording."""

    name = "steady"
    version = "1"

    def __init__(self, hz=440.0):
        super().__init__(hz=hz)
        self.hz = hz

    def track(self, audio, sample_rate, hop):
        frames = len(audio) // hop
        return np.full(frames, self.hz, np.float32), np.ones(frames, np.float32)


@pytest.fixture
def gin_file(tmp_path):
    def write(text):
        path = tmp_path / "own.gin"
        path.write_text("include 'demo.gin'\n" + text)
        return str(path)

    return write


def played(model):
    features = {"f0_hz": np.full((1, 5), 300.0), "loudness_db": np.full((1, 5), -20.0)}
    features["noise"] = np.zeros((1, 5 * model.hop))
    return np.asarray(model({key: value.astype("float32") for key, value in features.items()}))


def test_a_processor_is_named_bound_saved_and_loaded(gin_file, tmp_path):
    config = gin_file(NODES.format("Louder") + "Louder.gain = 3.0\n")
    model = ddsp_tf.load_experiment(config, SMALL).model
    plain = ddsp_tf.load_experiment(config, [*SMALL, "Louder.gain=1.0"]).model
    np.testing.assert_allclose(played(model), 3.0 * played(plain), rtol=1e-5)
    save_model(model, tmp_path / "model.keras")
    np.testing.assert_array_equal(played(load_model(tmp_path / "model.keras")), played(model))


def test_what_gin_itself_registered_is_bound(gin_file):
    @gin.register("Halved", module="of_the_user")
    class Halved(Louder):
        def __init__(self, below=0.5, **kwargs):
            super().__init__(gain=below, **kwargs)

    config = gin_file(NODES.format("Halved") + "Halved.below = 0.25\n")
    model = ddsp_tf.load_experiment(config, SMALL).model
    assert model.processor_group.processors[-1].gain == 0.25
    with pytest.raises(UserError, match=r"Halved has no setting 'bellow'; did you mean 'below'"):
        ddsp_tf.load_experiment(config, ["Halved.bellow=0.1"])


def test_a_decoder_inherits_the_settings_of_the_one_it_extends(gin_file):
    @ddsp_tf.configurable
    class OwnDecoder(ddsp_tf.RnnDecoder):
        def __init__(self, mine=1, **kwargs):
            super().__init__(**kwargs)
            self.mine = mine

    assert {"mine", "rnn_channels", "output_sizes"} <= set(parameters(OwnDecoder))
    text = """
Autoencoder.decoder = @OwnDecoder()
OwnDecoder.mine = 7
OwnDecoder.input_names = %decoder_inputs
OwnDecoder.output_sizes = %decoder_outputs
OwnDecoder.rnn_channels = 4
OwnDecoder.stack_channels = 4
"""
    decoder = ddsp_tf.load_experiment(gin_file(text)).model.decoder
    assert (type(decoder), decoder.mine, decoder.rnn_channels) == (OwnDecoder, 7, 4)


def test_a_loss_takes_the_place_of_ours(gin_file):
    text = "Experiment.loss = @AbsoluteError()\nAbsoluteError.scale = 4.0\n"
    loss = ddsp_tf.load_experiment(gin_file(text), SMALL).loss
    assert float(loss(np.zeros((1, 8)), np.ones((1, 8)))) == 4.0
    with pytest.raises(UserError, match=r"Experiment\.loss=@Louder\(\); expected a Loss or None"):
        ddsp_tf.load_experiment(gin_file("Experiment.loss = @Louder()\n"), SMALL)


def test_a_tracker_is_named_and_found_again_by_its_description(gin_file, monkeypatch):
    # Doctest modules and test modules are not importable by their name everywhere.
    monkeypatch.setitem(sys.modules, Steady.__module__, sys.modules[__name__])
    text = "FeatureExtractor.pitch_tracker = @Steady()\nSteady.hz = 220.0\n"
    extractor = ddsp_tf.load_extractor(gin_file(text))
    assert (extractor.extract(np.zeros(1600))["f0_hz"] == 220.0).all()
    again = ddsp_tf.FeatureExtractor.from_description(extractor.describe())
    assert again.tracker.hz == 220.0
    assert pitch.pitch_tracker("steady", hz=1.0).hz == 1.0


def test_a_class_defined_again_takes_the_earlier_ones_place(gin_file):
    def define(default):
        @ddsp_tf.configurable(name="Again")
        class Again(Louder):
            def __init__(self, gain=default, **kwargs):
                super().__init__(gain=gain, **kwargs)

    for gain in (5.0, 6.0):
        define(gain)
        model = ddsp_tf.load_experiment(gin_file(NODES.format("Again")), SMALL).model
        assert model.processor_group.processors[-1].gain == gain


def test_names_of_ours_are_not_taken():
    with pytest.raises(UserError, match=r"'Harmonic': ddsp_tf has a class of that name"):
        ddsp_tf.configurable(type("Harmonic", (Louder,), {}))
    with pytest.raises(UserError, match="'yin'"):
        ddsp_tf.configurable(type("Other", (Steady,), {"name": "yin"}))
    with pytest.raises(UserError, match="not a class"):
        ddsp_tf.configurable(3)


def test_a_program_with_names_like_ours_goes_on_working():
    @gin.configurable(name_or_fn="train", module="of_another_program")
    def train(steps=gin.REQUIRED):
        return steps

    with gin.config_scope("somewhere"):
        assert ddsp_tf.load_experiment("demo", [*SMALL, "train.steps=7"]).training.steps == 7
    with gin.unlock_config():
        gin.bind_parameter("of_another_program.train.steps", 3)
    assert train() == 3


def test_what_a_user_raises_is_one_line(gin_file):
    @ddsp_tf.configurable
    class Failing(Louder):
        def __init__(self, **kwargs):
            raise KeyError("nothing\nhere")

    with pytest.raises(UserError) as error:
        ddsp_tf.load_experiment(gin_file(NODES.format("Failing")), SMALL)
    assert "own.gin: KeyError" in str(error.value) and "\n" not in str(error.value)


def test_a_module_is_imported_only_by_its_name_from_outside(gin_file, tmp_path, monkeypatch):
    (tmp_path / "a_module_of_mine.py").write_text(
        "import ddsp_tf\n@ddsp_tf.configurable\nclass Mine(ddsp_tf.Reverb):\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    config = gin_file("import a_module_of_mine\n" + NODES.format("Mine") + "Mine.length = 100\n")
    with pytest.raises(UserError, match=r"line 2: .*'a_module_of_mine'.*--import a_module_of_mine"):
        ddsp_tf.load_experiment(config, SMALL)
    assert "a_module_of_mine" not in sys.modules
    model = ddsp_tf.load_experiment(config, SMALL, imports=["a_module_of_mine"]).model
    assert model.processor_group.processors[-1].length == 100
    with pytest.raises(UserError, match=r"no_module_of_mine: cannot be imported"):
        ddsp_tf.load_experiment(config, SMALL, imports=["no_module_of_mine"])


@pytest.mark.parametrize(
    "line",
    [
        "import dangerous",
        "from dangerous import thing",
        "import dangerous as safe",
        "from __gin__ import dynamic_registration\nimport dangerous",
        "include 'below.gin'",
    ],
)
def test_no_gin_file_runs_code(line, gin_file, tmp_path, monkeypatch):
    (tmp_path / "dangerous.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    (tmp_path / "below.gin").write_text("import dangerous\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match="import"):
        ddsp_tf.load_extractor(gin_file(line + "\n"))
    assert not (tmp_path / "ran").exists()


def test_an_import_of_what_is_there_does_nothing(gin_file):
    assert isinstance(sys, types.ModuleType)
    assert ddsp_tf.load_extractor(gin_file("import sys\n")).frame_rate == 100


@pytest.mark.slow
def test_a_finalized_program_may_load_a_configuration():
    code = "import gin; gin.finalize(); import ddsp_tf; ddsp_tf.load_extractor('demo')"
    subprocess.run([sys.executable, "-c", code + "; assert gin.config_is_locked()"], check=True)

"""Files that would run code, read other files or inflate are refused before Keras opens them."""

import io
import json
import zipfile

import h5py
import keras
import numpy as np
import pytest
from small_models import make_model

from ddsp_tf.errors import UserError
from ddsp_tf.inference.model_files import load_model, save_model
from ddsp_tf.models import RnnDecoder


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A model as it is saved: its three members by name."""
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    save_model(make_model(), path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def write(saved, tmp_path):
    """Writes the model with other members: `write({"config.json": ...})` -> path."""

    def write(changes, compression=zipfile.ZIP_STORED, name="model.keras"):
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", compression) as archive:
            for member, content in {**saved, **changes}.items():
                if content is not None:
                    archive.writestr(member, content)
        return path

    return write


def config_with(saved, **parts):
    config = json.loads(saved["config.json"])
    config["config"].update(parts)
    return {"config.json": json.dumps(config)}


def weights(fill):
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        fill(file)
    return {"model.weights.h5": content.getvalue()}


def test_what_is_saved_is_loaded(write):
    path, features = write({}), {"f0_hz": np.full((1, 4), 300.0), "loudness_db": np.zeros((1, 4))}
    features["noise"] = np.zeros((1, 4 * 64))
    features = {name: np.float32(value) for name, value in features.items()}
    np.testing.assert_array_equal(load_model(path)(features), make_model()(features))


def test_a_users_registered_decoder_is_loaded_and_an_unregistered_one_is_named(tmp_path, saved):
    @keras.saving.register_keras_serializable(package="mine")
    class MyDecoder(RnnDecoder):
        """A decoder of a user's."""

    model = make_model()
    own = MyDecoder.from_config(model.decoder.get_config())
    config = {**model.get_config(), "decoder": keras.saving.serialize_keras_object(own)}
    model = type(model).from_config(config)
    path = tmp_path / "mine.keras"
    save_model(model, path)
    assert isinstance(load_model(path).decoder, MyDecoder)
    keras.saving.get_custom_objects().pop("mine>MyDecoder")
    with pytest.raises(UserError, match=r"mine\.keras.*mine>MyDecoder, which is not registered"):
        load_model(path)


def test_compiled_models_are_loaded_whatever_they_were_compiled_with(tmp_path):
    def difference(expected, played):
        return played - expected

    model = make_model()
    model.compile(optimizer="adam", loss=difference)
    model.save(tmp_path / "compiled.keras")
    assert load_model(tmp_path / "compiled.keras").built


LAMBDA = {"module": "keras.layers", "class_name": "Lambda", "registered_name": None}
GET_FILE = {
    "module": "builtins",
    "class_name": "function",
    "config": "get_file",
    "registered_name": "get_file",
}


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({**LAMBDA, "config": {"function": GET_FILE}}, r"keras\.layers\.Lambda"),
        ({"class_name": "Lambda", "config": {}}, "not registered"),
        (GET_FILE, r"builtins\.get_file"),
        ({**GET_FILE, "module": "keras.utils"}, r"keras\.utils\.get_file"),
        ({**GET_FILE, "module": "os", "config": "system"}, r"os\.system"),
        ({**LAMBDA, "class_name": "TFSMLayer", "config": {"filepath": "x"}}, "TFSMLayer"),
        ({**LAMBDA, "class_name": "TextVectorization"}, "TextVectorization"),
        ({**LAMBDA, "module": "keras.utils", "class_name": "get_file"}, r"keras\.utils\.get_file"),
        ({**LAMBDA, "module": "subprocess", "class_name": "Popen"}, r"subprocess\.Popen"),
        ({**LAMBDA, "class_name": "Dense", "registered_name": "evil>Dense"}, r"keras\.layers"),
        ({"class_name": "__lambda__", "config": {"value": "4wA="}}, "__lambda__"),
        ({"class_name": ["Dense"]}, "a class"),
        ({**LAMBDA, "module": "keras", "class_name": "QuantizedDTypePolicy"}, "--precision int8"),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value,
)
def test_code_by_name_is_refused(write, saved, part, message):
    path = write(config_with(saved, encoder={"nested": [part]}))
    with pytest.raises(UserError, match=rf"model\.keras.*{message}"):
        load_model(path)


def test_a_nested_compile_config_is_not_passed_over(write, saved):
    config = json.loads(saved["config.json"])
    config["config"]["decoder"]["compile_config"] = {"loss": GET_FILE}
    with pytest.raises(UserError, match="get_file"):
        load_model(write({"config.json": json.dumps(config)}))


def test_a_configuration_that_inflates_is_refused_before_it_is_read(write):
    path = write({"config.json": bytes(1 << 27)}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 1 << 20
    with pytest.raises(UserError, match=r"is compressed .*; expected it as Keras stores it"):
        load_model(path)
    with pytest.raises(UserError, match=r"config\.json has 17000000 bytes"):
        load_model(write({"config.json": b" " * 17_000_000}))


def test_an_address_of_a_shared_object_is_no_size(write, saved):
    config = json.loads(saved["config.json"])
    config["config"]["decoder"]["shared_object_id"] = 1 << 47
    load_model(write({"config.json": json.dumps(config)}))
    config["config"]["decoder"]["config"]["rnn_channels"] = 1 << 47
    with pytest.raises(UserError, match="expected 32 bits"):
        load_model(write({"config.json": json.dumps(config)}))


def test_a_configuration_does_not_decide_how_much_memory_is_needed(write, saved):
    config = json.loads(saved["config.json"])
    add_weight = keras.layers.Layer.add_weight
    for channels in (9, 100_000, 1 << 30):
        config["config"]["decoder"]["config"]["rnn_channels"] = channels
        with pytest.raises(UserError, match=r"more weights than the .* numbers in the file"):
            load_model(write({"config.json": json.dumps(config)}))
    assert keras.layers.Layer.add_weight is add_weight


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"assets/run.py": b"1"}, "contains 'assets/run.py'"),
        ({"model.weights.h5": None}, "expected exactly"),
        ({"config.json": b"{"}, "damaged"),
        ({"config.json": b"[" * 100_000}, "damaged"),
        ({"config.json": b"[]"}, "describes no model"),
        ({"config.json": b'{"class_name": "Autoencoder"}'}, "not registered"),
        ({"model.weights.h5": b"not HDF5"}, "damaged"),
    ],
)
def test_other_archives_are_refused(write, changes, message):
    with pytest.raises(UserError, match=message):
        load_model(write(changes))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused(write, value):
    numbers = np.array([0.0, value, 1.0], np.float32)
    path = write(weights(lambda file: file.create_dataset("layer/0", data=numbers)))
    with pytest.raises(UserError, match=r"\.keras: weights /layer/0 hold NaN or infinite numbers"):
        load_model(path)


@pytest.mark.parametrize("suffix", [".h5", ".KERAS"])
def test_other_suffixes_are_refused(suffix, write):
    path = write({}, name=f"model{suffix}")
    with pytest.raises(UserError, match=rf"'\{suffix}'; expected \.keras"):
        load_model(path)


def external_storage(secret):
    return lambda file: file.create_dataset("w", (4,), "f4", external=[(str(secret), 0, 16)])


def test_weights_outside_the_file_are_refused(write, tmp_path):
    secret = tmp_path / "secret.bin"
    secret.write_bytes(bytes(range(16)))
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource(str(secret), "w", (4,))

    def twice(file):
        file["a"] = np.zeros(4, np.float32)
        file["b"] = file["a"]

    def around(file):
        file.create_group("a")["b"] = file["/"]

    for fill, message in (
        (external_storage(secret), "/w are stored in another file"),
        (lambda file: file.create_virtual_dataset("w", layout), "/w are stored in another file"),
        (lambda file: file.update({"w": h5py.ExternalLink(str(secret), "/w")}), "ExternalLink"),
        (lambda file: file.update({"w": h5py.SoftLink("/v")}), "SoftLink"),
        (twice, "twice"),
        (around, "twice"),
        (lambda file: file.create_dataset("w", data=["text"]), "not numbers"),
        (lambda file: file.create_dataset("w", (1 << 40,), "f4", chunks=(1024,)), "claims"),
    ):
        with pytest.raises(UserError, match=message):
            load_model(write(weights(fill)))


def test_every_flipped_byte_of_the_weights_is_noticed(write, rng):
    path = write({})
    whole = path.read_bytes()
    features = {"f0_hz": np.full((1, 4), 300.0), "loudness_db": np.zeros((1, 4))}
    features = {name: np.float32(value) for name, value in features.items()}
    features["noise"] = np.zeros((1, 4 * 64), np.float32)
    expected = make_model()(features)
    for place in rng.integers(0, len(whole), 60):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << rng.integers(0, 8)
        path.write_bytes(damaged)
        try:
            played = load_model(path)(features)
        except UserError:
            continue
        # Dates and padding change nothing.
        np.testing.assert_array_equal(played, expected)

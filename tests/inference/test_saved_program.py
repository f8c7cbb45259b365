"""A SavedModel that could write, read or run anything is refused before TensorFlow loads it."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow.python.framework import op_def_registry

from ddsp_tf.errors import UserError
from ddsp_tf.files.export_description import check_files, read_description
from ddsp_tf.inference.exported_model import ExportedModel
from ddsp_tf.inference.saved_program import ALLOWED_OPERATORS, check_saved_model

SPEC = tf.TensorSpec([None], tf.float32, "x")
# Reading variables, calling and asserting: no other allowed operator has an effect.
EFFECTS = {
    *("Assert", "Case", "If", "ReadVariableOp", "ResourceGather"),
    *("StatefulPartitionedCall", "VarHandleOp", "While"),
}


def save(function, folder, **parts):
    module = tf.Module()
    for name, part in parts.items():
        setattr(module, name, part)
    graph = tf.function(function, [SPEC], autograph=False).get_concrete_function()
    tf.saved_model.save(module, str(folder), {"step": graph})
    return folder


def test_what_is_exported_is_accepted(tiny_export):
    check_saved_model(tiny_export / "saved_model")


def test_arithmetic_control_flow_and_variables_are_accepted(tmp_path):
    scale = tf.Variable(2.0)

    def play(x):
        spectrum = tf.abs(tf.signal.fft(tf.cast(x, tf.complex64)))
        loud = tf.cond(tf.reduce_sum(x) > 0.0, lambda: x * scale, lambda: spectrum)
        return {"y": tf.while_loop(lambda k, _: k < 3, lambda k, y: (k + 1, y + 1.0), (0, loud))[1]}

    check_saved_model(save(play, tmp_path, scale=scale))


def test_allowed_operators_have_no_effects():
    tf.constant(0.0)
    for name in ALLOWED_OPERATORS:
        found = op_def_registry.get(name)
        assert found is not None, name
        assert not found.is_stateful or name in EFFECTS, name


def reading(x):
    text = tf.io.read_file("secret")
    return {"y": x + tf.cast(tf.strings.length(text), tf.float32)}


def writing(x):
    with tf.control_dependencies([tf.io.write_file("stolen", "text")]):
        return {"y": tf.identity(x)}


def python(x):
    return {"y": tf.reshape(tf.numpy_function(lambda values: values, [x], tf.float32), [-1])}


def printing(x):
    with tf.control_dependencies([tf.print("x", output_stream="file://stolen")]):
        return {"y": tf.identity(x)}


def saving(x):
    save_now = tf.raw_ops.SaveV2(
        prefix="stolen", tensor_names=["x"], shape_and_slices=[""], tensors=[x]
    )
    with tf.control_dependencies([save_now]):
        return {"y": tf.identity(x)}


def hidden(x):
    """The operator is in a branch of a loop's body."""

    def body(k, y):
        return k + 1, tf.cond(y[0] > 5.0, lambda: writing(y)["y"], lambda: y)

    return {"y": tf.while_loop(lambda k, _: k < 3, body, (0, x))[1]}


@pytest.mark.parametrize(
    ("function", "operator"),
    [
        (reading, "ReadFile|StringLength"),
        (writing, "WriteFile"),
        (python, "PyFunc"),
        (printing, "PrintV2|StringFormat"),
        (saving, "SaveV2"),
        (hidden, "WriteFile"),
    ],
)
def test_other_operators_are_named(tmp_path, monkeypatch, function, operator):
    monkeypatch.chdir(tmp_path)
    folder = save(function, tmp_path / "saved")
    with pytest.raises(UserError, match=rf"saved_model\.pb.*operator \w*({operator})"):
        check_saved_model(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]


def test_initializers_and_assets_are_refused(tmp_path):
    (tmp_path / "words.txt").write_text("a\nb\n")
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer([1], [2]), default_value=0
    )
    folder = save(lambda x: {"y": x}, tmp_path / "table", table=table)
    with pytest.raises(UserError, match=r"contains a (resource|saver of its own)"):
        check_saved_model(folder)
    asset = tf.saved_model.Asset(str(tmp_path / "words.txt"))
    folder = save(lambda x: {"y": x}, tmp_path / "asset", asset=asset)
    (folder / "assets" / "words.txt").unlink()
    with pytest.raises(UserError, match=r"contains a asset"):
        check_saved_model(folder)


def edited(folder, change):
    path = folder / "saved_model.pb"
    saved = SavedModel.FromString(path.read_bytes())
    change(saved.meta_graphs[0])
    path.write_bytes(saved.SerializeToString())


def test_graphs_of_tensorflow_1_and_huge_numbers_are_refused(tmp_path):
    folder = save(lambda x: {"y": x + tf.zeros(4)}, tmp_path / "saved", weight=tf.Variable([1.0]))

    def enlarge(meta):
        for node in meta.object_graph_def.nodes:
            if node.WhichOneof("kind") == "variable":
                node.variable.shape.dim[0].size = 1 << 40

    other = shutil.copytree(folder, tmp_path / "other")
    edited(other, enlarge)
    with pytest.raises(UserError, match="bytes of memory"):
        check_saved_model(other)
    edited(folder, lambda meta: meta.ClearField("object_graph_def"))
    with pytest.raises(UserError, match="not as ddsp-tf writes it"):
        check_saved_model(folder)


def test_no_other_file_is_loaded_in_place_of_the_inspected_ones(tmp_path):
    folder = save(lambda x: {"y": x}, tmp_path / "saved", weight=tf.Variable([1.0]))
    check_saved_model(folder)
    for name in ("saved_model.cpb", "saved_model.pbtxt", "assets/words.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
        with pytest.raises(UserError, match=rf"{name}: not loaded"):
            check_saved_model(folder)
        (folder / name).unlink()
    index = folder / "variables" / "variables.index"
    index.rename(tmp_path / "index")
    index.symlink_to(tmp_path / "index")
    with pytest.raises(UserError, match=r"variables\.index: not loaded"):
        check_saved_model(folder)


@pytest.mark.parametrize("content", [b"", b"\xff" * 100, b"\x08\x01"])
def test_damaged_files_are_named(tmp_path, content):
    (tmp_path / "saved_model.pb").write_bytes(content)
    with pytest.raises(UserError, match=r"saved_model\.pb"):
        check_saved_model(tmp_path)


@pytest.fixture
def export(tiny_export, tmp_path):
    return shutil.copytree(tiny_export, tmp_path / "export")


def test_checksums_are_compared_before_anything_is_loaded(export, monkeypatch, rng):
    monkeypatch.setattr(tf.saved_model, "load", lambda path: 1 / 0)
    files = [path for path in (export / "saved_model").rglob("*") if path.is_file()]
    for path in files:
        whole = path.read_bytes()
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=rf"{path.name}: damaged or changed"):
            ExportedModel(export)
        path.unlink()
        with pytest.raises(UserError, match=rf"{path.name}: missing"):
            ExportedModel(export)
        path.write_bytes(whole)
    (export / "saved_model" / "assets").mkdir(exist_ok=True)
    (export / "saved_model" / "assets" / "x").touch()
    with pytest.raises(UserError, match="assets/x: does not belong to the export"):
        ExportedModel(export)


def test_every_change_of_model_json_is_noticed(export, rng):
    path = export / "model.json"
    whole = path.read_bytes()
    for place in rng.integers(0, len(whole), 100):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << rng.integers(0, 7)
        path.write_bytes(damaged)
        try:
            found = read_description(export)
        except UserError as error:
            assert "model.json" in str(error)
            continue
        assert json.loads(damaged) == json.loads(whole), place
        assert found.hop == 160
    path.write_bytes(whole)
    check_files(export, read_description(export))


def test_arrays_of_other_shapes_are_named(tiny_export):
    model = ExportedModel(tiny_export)
    state = model.initial_state(1)
    curves = {"f0_hz": np.ones((1, 4)), "loudness_db": np.ones((1, 4)), "noise": np.ones((1, 640))}
    assert model.stream(curves, state)[0].shape == (1, 640)
    for change, message in (
        ({"noise": np.ones((1, 639))}, r"noise \[1, 639\]"),
        ({"f0_hz": np.ones(4)}, r"f0_hz \[4\]"),
        ({"f0_hz": np.array([["a"]])}, "f0_hz has the type"),
        ({"state_decoder": np.ones((1, 3))}, r"state_decoder \[1, 3\]"),
    ):
        with pytest.raises(UserError, match=message):
            model.stream({**curves, **change}, {**state, **change})
    with pytest.raises(UserError, match="needs 'noise'"):
        model.stream({name: curves[name] for name in ("f0_hz", "loudness_db")}, state)

"""CREPE's weights from every place they may come from."""

import bz2
import hashlib
import io
import urllib.error
from pathlib import Path

import h5py
import numpy as np
import pytest
from crepe_files import weight_file

from ddsp_tf.errors import UserError
from ddsp_tf.features import crepe_weights
from ddsp_tf.features.crepe import crepe_network
from ddsp_tf.features.crepe_weights import find_weights, load_weights


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """No cache, no package, no network: nothing of the machine's own is used."""
    monkeypatch.setattr(crepe_weights, "user_cache", lambda name: tmp_path / "cache")
    monkeypatch.setattr(crepe_weights, "_package_folders", lambda: [])

    def refuse(url, timeout):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(crepe_weights.urllib.request, "urlopen", refuse)
    return tmp_path


@pytest.mark.parametrize("packed", [False, True])
def test_every_array_arrives_in_its_place(tmp_path, packed):
    content = weight_file()
    path = tmp_path / ("w.h5.bz2" if packed else "w.h5")
    path.write_bytes(bz2.compress(content) if packed else content)
    network = crepe_network("tiny")
    assert load_weights(network, path) == hashlib.sha256(content).hexdigest()
    with h5py.File(io.BytesIO(content)) as file:
        kernel, bias = network.get_layer("conv2").get_weights()
        np.testing.assert_array_equal(kernel, file["conv2/conv2_3/kernel:0"][:, 0])
        np.testing.assert_array_equal(bias, file["conv2/conv2_3/bias:0"])
        normalization = network.get_layer("conv6-BN").get_weights()
        for values, name in zip(
            normalization, ("gamma", "beta", "moving_mean", "moving_variance"), strict=True
        ):
            np.testing.assert_array_equal(values, file[f"conv6-BN/conv6-BN_3/{name}:0"])
        classifier = network.get_layer("classifier").get_weights()
        np.testing.assert_array_equal(classifier[0], file["classifier/classifier_3/kernel:0"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not CREPE weights"),
        (b"<html>404</html>", "not CREPE weights"),
        (b"BZh91AY" + b"x" * 100, "not CREPE weights"),
        (bz2.compress(weight_file())[:50_000], "not CREPE weights"),
        (weight_file()[:100_000], "not CREPE weights"),
        (weight_file(leave_out=["conv4-BN"]), "conv4-BN"),
        (weight_file("small"), r"conv1.*'tiny'.*tiny, small, medium"),
        (weight_file(not_finite=True), "conv1.*not finite"),
    ],
)
def test_wrong_files_are_named(tmp_path, content, message):
    path = tmp_path / "wrong.h5"
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"wrong\.h5.*{message}"):
        load_weights(crepe_network("tiny"), path)


def test_missing_file_and_folder_are_named(tmp_path):
    with pytest.raises(UserError, match=r"none\.h5: no such file"):
        find_weights("tiny", tmp_path / "none.h5")
    with pytest.raises(UserError, match="cannot be read"):
        load_weights(crepe_network("tiny"), tmp_path)


def test_places_are_looked_at_in_order(nowhere, monkeypatch):
    package, cache = nowhere / "package", nowhere / "cache"
    for folder in (package, cache):
        folder.mkdir()
    (cache / "model-tiny.h5.bz2").touch()
    assert find_weights("tiny") == cache / "model-tiny.h5.bz2"
    monkeypatch.setattr(crepe_weights, "_package_folders", lambda: [package])
    (package / "model-tiny.h5").touch()
    assert find_weights("tiny") == package / "model-tiny.h5"
    (nowhere / "mine.h5").touch()
    assert find_weights("tiny", nowhere / "mine.h5") == nowhere / "mine.h5"


def test_package_is_found_without_importing_it(tmp_path, monkeypatch):
    (tmp_path / "crepe").mkdir()
    (tmp_path / "crepe" / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    assert crepe_weights._package_folders() == [tmp_path / "crepe"]


def test_download_is_kept_once(nowhere, monkeypatch):
    asked = []

    def answer(url, timeout):
        asked.append(url)
        return io.BytesIO(bz2.compress(weight_file("small")))

    monkeypatch.setattr(crepe_weights.urllib.request, "urlopen", answer)
    path = find_weights("small")
    assert path == nowhere / "cache" / "model-small.h5.bz2"
    assert asked == ["https://github.com/marl/crepe/raw/models/model-small.h5.bz2"]
    load_weights(crepe_network("small"), path)
    assert find_weights("small") == path
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("content", "message"), [(b"<html>", "not CREPE"), (weight_file(), "sha256.*expected 409254d6")]
)
def test_wrong_downloads_are_not_kept(nowhere, monkeypatch, content, message):
    monkeypatch.setattr(
        crepe_weights.urllib.request, "urlopen", lambda *a, **k: io.BytesIO(content)
    )
    with pytest.raises(UserError, match=message):
        find_weights("tiny")
    assert not list(Path(nowhere).rglob("*.bz2"))


def test_without_a_network_it_says_what_to_do(nowhere):
    with pytest.raises(UserError, match=r"no route to host.*put the file into .*cache") as caught:
        find_weights("full")
    assert "model-full.h5.bz2" in str(caught.value)
    assert "\n" not in str(caught.value)

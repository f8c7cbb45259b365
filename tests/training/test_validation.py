"""Batches of held-out clips."""

import pytest

from ddsp_tf.configuration.experiment import load_experiment
from ddsp_tf.data.manifest import load_manifest
from ddsp_tf.training import validation


@pytest.fixture(scope="module")
def held_out(tiny_dataset, tiny_overrides):
    model = load_experiment("demo", tiny_overrides).model
    return validation.ValidationClips(model, [load_manifest(tiny_dataset)], clip_frames=25)


@pytest.mark.parametrize(
    ("clips", "devices", "sizes"),
    [(1, 1, [1]), (5, 1, [5]), (1, 2, [2]), (3, 2, [2]), (5, 2, [4]), (8, 2, [8]), (5, 4, [4])],
)
def test_devices_divide_every_batch(held_out, monkeypatch, clips, devices, sizes):
    monkeypatch.setattr(held_out, "clips", held_out.clips[:clips])
    monkeypatch.setattr(validation, "device_count", lambda: devices)
    batches = list(held_out.batches().as_numpy_iterator())
    assert [len(audio) for _, audio in batches] == sizes
    assert all(
        len(curve) == len(audio) for features, audio in batches for curve in features.values()
    )

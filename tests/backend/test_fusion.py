import keras
import pytest

from ddsp_tf.backend.fusion import for_any_machine, sums_are_fused


@pytest.mark.parametrize(("device", "fused"), [("cpu:0", False), ("gpu:0", True), ("tpu:0", True)])
def test_accelerators_fuse(monkeypatch, device, fused):
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: [device])
    assert sums_are_fused() is fused
    with for_any_machine():
        assert not sums_are_fused()
        with for_any_machine():
            pass
        assert not sums_are_fused()
    assert sums_are_fused() is fused

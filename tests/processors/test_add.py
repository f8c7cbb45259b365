import numpy as np
from backends import to_numpy
from tolerance import assert_close

from ddsp_tf.processors import Add


def test_what_every_processor_does(run_processor_test, rng):
    signals = rng.normal(size=(3, 3, 40)).astype(np.float32)
    run_processor_test(Add(), dict(zip("abc", signals, strict=True)))


def test_adds(rng):
    signals = rng.normal(size=(4, 2, 10)).astype(np.float32)
    assert_close(to_numpy(Add()(*signals)), signals.sum(axis=0))

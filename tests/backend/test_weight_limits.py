"""A limit on weights holds for one thread, and leaves Keras as it was."""

import threading

import keras
import pytest

from ddsp_tf.backend.weight_limits import weights_limited
from ddsp_tf.errors import UserError

ADD_WEIGHT = keras.layers.Layer.add_weight


def test_the_sum_of_all_weights_is_limited():
    refused = pytest.raises(UserError, match=r"too many: \[3\] in layer 'second'")
    with refused, weights_limited(14, "too many"):
        keras.layers.Dense(3, name="first").build((None, 3))
        keras.layers.Dense(3, name="second").build((None, 0))
    assert keras.layers.Layer.add_weight is ADD_WEIGHT


def test_threads_wait_for_each_other():
    entered, leave, order = threading.Event(), threading.Event(), []

    def first():
        with weights_limited(8, "too many"):
            entered.set()
            leave.wait(10)
            order.append("first")

    def second():
        with weights_limited(8, "too many"):
            order.append("second")

    threads = [threading.Thread(target=work) for work in (first, second)]
    threads[0].start()
    entered.wait(10)
    threads[1].start()
    threads[1].join(0.2)
    leave.set()
    for thread in threads:
        thread.join(10)
    assert order == ["first", "second"]
    assert keras.layers.Layer.add_weight is ADD_WEIGHT


def test_other_threads_build_what_they_like():
    with weights_limited(1, "too many"):
        thread = threading.Thread(target=keras.layers.Dense(3).build, args=((None, 3),))
        thread.start()
        thread.join(10)
        keras.layers.Dense(1, use_bias=False).build((None, 1))

"""Functions are compiled once for every model, and die with it."""

import functools
import gc
import weakref

import keras
import numpy as np
from backends import tensorflow_only, to_numpy

from ddsp_tf.backend.compilation import compiled


def make_model(units=2):
    model = keras.Sequential([keras.layers.Dense(units, kernel_initializer="ones")])
    model.build((None, 3))
    return model


ONES = np.ones((1, 3), np.float32)


def test_a_method_is_compiled_once():
    model = make_model()
    assert compiled(model.call) is compiled(model.call)
    assert compiled(model.call) is not compiled(make_model().call)


def test_it_follows_the_weights():
    model = make_model()
    assert to_numpy(compiled(model.call)(ONES)).tolist() == [[3.0, 3.0]]
    model.weights[0].assign(2.0 * np.ones((3, 2)))
    assert to_numpy(compiled(model.call)(ONES)).tolist() == [[6.0, 6.0]]


def test_functions_of_one_name_do_not_meet():
    model = make_model()

    def scaled(factor):
        def measure(x):
            return factor * model(x)

        return compiled(measure, model)

    assert to_numpy(scaled(1.0)(ONES)).tolist() == [[3.0, 3.0]]
    assert to_numpy(scaled(2.0)(ONES)).tolist() == [[6.0, 6.0]]


def test_methods_of_anything_else_stay():
    class Exported:
        def render(self):
            return 1

    exported = Exported()
    assert compiled(exported.render) == exported.render


@tensorflow_only
def test_all_lengths_share_one_trace():
    lengths = []

    class Sum(keras.Model):
        def total(self, values):
            lengths.append(values["x"].shape[1])
            return keras.ops.sum(values["x"], axis=1)

    model = Sum()
    for frames in (3, 1, 5):
        total = compiled(model.total, any_length=True)({"x": np.ones((2, frames), np.float32)})
        assert to_numpy(total).tolist() == [frames, frames]
    assert lengths == [None]


def call_beside(model, clips, x):
    return model(x)


def test_neither_a_model_nor_what_a_function_holds_is_kept_alive():
    model = make_model()

    class Clips:
        pass

    clips = Clips()
    measure = compiled(functools.partial(call_beside, model, clips), model)
    measure(ONES)
    compiled(model.call)(ONES)
    watched = weakref.ref(clips)
    del measure, clips
    gc.collect()
    assert watched() is None
    watched = weakref.ref(model)
    del model
    keras.backend.clear_session()
    gc.collect()
    assert watched() is None

"""Files of weights as CREPE's official ones are laid out, written by hand."""

import io

import h5py
import numpy as np

from ddsp_tf.features.crepe import CAPACITIES, FILTERS


def weight_file(capacity="tiny", seed=0, leave_out=(), not_finite=False):
    """Random weights, in bytes, in the layout of the official files."""
    rng = np.random.default_rng(seed)
    content = io.BytesIO()
    with h5py.File(content, "w") as file:

        def write(layer, inner, **shapes):
            if layer in leave_out:
                return
            for name, shape in shapes.items():
                values = rng.uniform(0.01, 0.1, shape).astype(np.float32)
                file[f"{layer}/{inner}/{name}:0"] = values

        inputs = 1
        for number, filters in enumerate(FILTERS, start=1):
            outputs, width = filters * CAPACITIES[capacity], 512 if number == 1 else 64
            inner = f"conv{number}_3"
            write(f"conv{number}", inner, kernel=(width, 1, inputs, outputs), bias=(outputs,))
            names = ("gamma", "beta", "moving_mean", "moving_variance")
            write(f"conv{number}-BN", f"conv{number}-BN_3", **dict.fromkeys(names, (outputs,)))
            inputs = outputs
        write("classifier", "classifier_3", kernel=(4 * inputs, 360), bias=(360,))
        if not_finite:
            file["conv1/conv1_3/bias:0"][0] = np.nan
    return content.getvalue()

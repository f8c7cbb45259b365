"""The cases, made of ddsp_tf: a worker for `processors.py` (see `worker.py`)."""

import os
import sys

import numpy as np
from inputs import CASES, FRAME_RATE, N_BANDS, N_HARMONICS, N_WAVETABLE, Size, make_inputs
from worker import serve


def build(case: str, size: Size):
    """Makes a case.

    Args:
        case: Key of `inputs.CASES`.
        size: Amount of audio.

    Returns:
        Tuple of a function of tensors, by the names in the case's `inputs`, and the layers that
        it calls.

    Raises:
        LookupError: If ddsp_tf has no such processor.
    """
    from ddsp_tf import processors
    from ddsp_tf.losses import MultiScaleSpectralLoss

    rates = {"sample_rate": size.sample_rate, "frame_rate": FRAME_RATE}

    def layer(name, **arguments):
        if not hasattr(processors, name):
            raise LookupError(f"no processor {name}")
        return getattr(processors, name)(**arguments)

    def one(name, **arguments):
        """A processor whose inputs are the case's, in order."""
        processor = layer(name, **arguments)
        names = CASES[case].inputs
        return (lambda **inputs: processor(*(inputs[name] for name in names))), [processor]

    def synthesis(*, reverb):
        parts = [
            layer("Harmonic", n_harmonics=N_HARMONICS, **rates),
            layer("FilteredNoise", n_bands=N_BANDS, **rates),
            *([layer("Reverb", length=size.taps)] if reverb else []),
        ]
        loss = MultiScaleSpectralLoss(fft_sizes=size.fft_sizes)

        def output(amplitudes, harmonic_distribution, f0_hz, noise_magnitudes, target):
            audio = parts[0](amplitudes, harmonic_distribution, f0_hz) + parts[1](noise_magnitudes)
            return loss(target, parts[2](audio) if reverb else audio)

        return output, parts

    def spectral_loss():
        loss = MultiScaleSpectralLoss(fft_sizes=size.fft_sizes)
        return (lambda target, signal: loss(target, signal)), []

    def wavetable():
        processor = layer("Wavetable", n_points=N_WAVETABLE, learned=False, **rates)
        return (lambda amplitudes, wavetables, f0_hz: processor(amplitudes, f0_hz, wavetables)), [
            processor
        ]

    harmonic = {"n_harmonics": N_HARMONICS, **rates}
    builders = {
        "harmonic": lambda: one("Harmonic", **harmonic),
        "harmonic_learning_f0": lambda: one("Harmonic", **harmonic),
        "inharmonic": lambda: one("Harmonic", inharmonic=True, **harmonic),
        "filtered_noise": lambda: one("FilteredNoise", n_bands=N_BANDS, **rates),
        "sinusoidal": lambda: one("Sinusoidal", n_sinusoids=N_HARMONICS, **rates),
        "wavetable": wavetable,
        "reverb": lambda: one("Reverb", length=size.taps),
        "reverb_given_response": lambda: one("Reverb", length=size.taps, learned=False),
        "exp_decay_reverb": lambda: one("ExpDecayReverb", length=size.taps, learned=False),
        "filtered_noise_reverb": lambda: one(
            "FilteredNoiseReverb", length=size.taps, n_frames=250, learned=False
        ),
        "fir_filter": lambda: one("FirFilter", n_bands=N_BANDS, **rates),
        "mod_delay": lambda: one("ModDelay", **rates),
        "add": lambda: one("Add"),
        "mix": lambda: one("Mix", **rates),
        "crop": lambda: one("Crop", n_samples=size.taps // 100, end="end"),
        "spectral_loss": spectral_loss,
        "synthesis_and_loss": lambda: synthesis(reverb=False),
        "synthesis_reverb_and_loss": lambda: synthesis(reverb=True),
    }
    return builders[case]()


def prepare(task: dict):
    """Makes the program of a task; see `worker.serve`."""
    os.environ["KERAS_BACKEND"] = task["backend"]
    import keras

    size, case = Size(**task["size"]), task["case"]
    versions = {"keras": keras.__version__, "numpy": np.__version__}
    inputs, learned = make_inputs(case, size), CASES[case].learned
    try:
        function, layers = build(case, size)
    except LookupError as error:
        sys.exit(str(error))
    if task["backend"] == "jax":
        import jax
        from jax_program import JaxProgram

        versions["jax"] = jax.__version__
        return versions, JaxProgram(function, inputs, learned, layers)
    import tensorflow as tf
    from tensorflow_program import TensorFlowProgram

    def weights():
        return [variable.value for layer in layers for variable in layer.trainable_variables]

    versions["tensorflow"] = tf.__version__
    xla = task["xla"]
    return versions, TensorFlowProgram(function, inputs, learned, weights, xla)


if __name__ == "__main__":
    serve(prepare)

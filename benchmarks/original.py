"""The cases, made of magenta/ddsp 3.7.0: a worker for `processors.py` (see `worker.py`).

It runs in a separate environment (`requirements_original.txt`), where ddsp_tf is not installed.
"""

import sys
import types

import numpy as np
from inputs import CASES, Size, make_inputs
from worker import limit_memory, serve

_WINDOW = 257


def import_original():
    """Imports ddsp without the pitch tracker and the audio library, which are not called here."""
    for name in ("crepe", "librosa"):
        sys.modules[name] = types.ModuleType(name)
    import ddsp

    return ddsp


def build(case: str, size: Size):
    """Makes a case, with the arguments of the paper's configuration.

    Args:
        case: Key of `inputs.CASES`.
        size: Amount of audio.

    Returns:
        Tuple of a function of tensors, by the names in the case's `inputs`, and the layers whose
        weights are learned.

    Raises:
        LookupError: If the original has no such processor.
    """
    ddsp = import_original()
    core, synths, effects, nodes = ddsp.core, ddsp.synths, ddsp.effects, ddsp.processors
    clip = {"n_samples": size.samples}
    tone = {**clip, "sample_rate": size.sample_rate}

    def one(processor, weights=()):
        names = CASES[case].inputs
        return (lambda **inputs: processor(*(inputs[name] for name in names))), list(weights)

    def learned_reverb():
        reverb = effects.Reverb(trainable=True, reverb_length=size.taps)
        reverb.build(None)
        return reverb

    def reverb():
        processor = learned_reverb()
        return one(processor, [processor])

    def mod_delay():
        effect = effects.ModDelay(sample_rate=size.sample_rate)

        def output(signal, delay_gain, delay_phase):
            curves = [core.resample(curve, size.samples) for curve in (delay_gain, delay_phase)]
            return effect(signal, *curves)

        return output, []

    def mix():
        # Its output is [batch, samples, samples] unless signals have a channel axis.
        mixer = nodes.Mix()

        def output(signal, second_signal, mix_level):
            return mixer(signal[..., None], second_signal[..., None], mix_level)[..., 0]

        return output, []

    def spectral_loss():
        return ddsp.losses.SpectralLoss(
            fft_sizes=size.fft_sizes, loss_type="L1", mag_weight=1.0, logmag_weight=1.0
        )

    def synthesis(*, reverb):
        harmonic = synths.Harmonic(**tone)
        noise = synths.FilteredNoise(window_size=_WINDOW, **clip)
        room, loss = learned_reverb() if reverb else None, spectral_loss()

        def output(amplitudes, harmonic_distribution, f0_hz, noise_magnitudes, target):
            audio = harmonic(amplitudes, harmonic_distribution, f0_hz) + noise(noise_magnitudes)
            return loss(target, room(audio) if reverb else audio)

        return output, [room] if reverb else []

    builders = {
        "harmonic": lambda: one(synths.Harmonic(**tone)),
        "harmonic_learning_f0": lambda: one(synths.Harmonic(**tone)),
        "filtered_noise": lambda: one(synths.FilteredNoise(window_size=_WINDOW, **clip)),
        "sinusoidal": lambda: one(synths.Sinusoidal(**tone)),
        "wavetable": lambda: one(synths.Wavetable(**tone)),
        "reverb": reverb,
        "reverb_given_response": lambda: one(effects.Reverb()),
        "exp_decay_reverb": lambda: one(effects.ExpDecayReverb(reverb_length=size.taps)),
        "filtered_noise_reverb": lambda: one(effects.FilteredNoiseReverb(reverb_length=size.taps)),
        "fir_filter": lambda: one(effects.FIRFilter(window_size=_WINDOW)),
        "mod_delay": mod_delay,
        "add": lambda: one(nodes.Add()),
        "mix": mix,
        "crop": lambda: one(nodes.Crop(frame_size=size.taps // 100)),
        "spectral_loss": lambda: one(spectral_loss()),
        "synthesis_and_loss": lambda: synthesis(reverb=False),
        "synthesis_reverb_and_loss": lambda: synthesis(reverb=True),
    }
    if case not in builders:
        raise LookupError(f"the original has no {case}")
    return builders[case]()


def prepare(task: dict):
    """Makes the program of a task; see `worker.serve`."""
    limit_memory(task["memory_limit_bytes"])
    import tensorflow as tf
    from tensorflow_program import TensorFlowProgram

    size, case = Size(**task["size"]), task["case"]
    try:
        function, layers = build(case, size)
    except LookupError as error:
        sys.exit(str(error))

    def weights():
        return [variable for layer in layers for variable in layer.trainable_variables]

    inputs, learned = make_inputs(case, size), CASES[case].learned
    versions = {"ddsp": "3.7.0", "tensorflow": tf.__version__, "numpy": np.__version__}
    return versions, TensorFlowProgram(function, inputs, learned, weights, task["xla"])


if __name__ == "__main__":
    serve(prepare)

"""Convolution with a learned impulse response."""

import keras
from keras import ops

from ddsp_tf.dsp.convolution import fft_convolve
from ddsp_tf.dsp.framing import add_tail
from ddsp_tf.processors.base import Processor


@keras.saving.register_keras_serializable(package="ddsp_tf")
class Reverb(Processor):
    """The room of the recordings: one trainable impulse response for all of them.

    The signal itself passes unchanged; the response holds only what comes after it (its first
    tap is always 0), as in Engel et al., "DDSP" (ICLR 2020).

    Args:
        length: Taps of the response, in samples, at least 2; 16000 is one second at 16 kHz.
        name: Layer name.
        **kwargs: Further `keras.layers.Layer` arguments.

    Call arguments:
        signal: Dry audio [batch, samples].

    Returns:
        Wet audio [batch, samples].

    Raises:
        ValueError: If the length is below 2.

    Example:
        >>> Reverb(length=1000)(ops.ones((1, 4000))).shape
        TensorShape([1, 4000])
    """

    input_names = ("signal",)

    def __init__(self, length=48000, name="reverb", **kwargs):
        super().__init__(name=name, **kwargs)
        if length < 2:
            raise ValueError(f"length={length}; expected at least 2 samples")
        self.length = length
        # Made here, not at the first call, so that a loaded layer shows its response at once.
        self.impulse_response = self.add_weight(
            name="impulse_response",
            shape=(length,),
            initializer=keras.initializers.RandomNormal(stddev=1e-6, seed=0),
        )
        self.built = True

    def get_controls(self, signal):
        """Returns the signal and the response: direct sound followed by the learned taps."""
        taps = ops.convert_to_tensor(self.impulse_response)[1:]
        response = ops.concatenate([ops.ones((1,)), taps])
        return {"signal": signal, "impulse_response": response}

    def get_signal(self, signal, impulse_response):
        """Convolves a signal with a response.

        Args:
            signal: [batch, samples].
            impulse_response: [taps], direct sound included.

        Returns:
            [batch, samples]; the response's end beyond them is cut.
        """
        wet = fft_convolve(signal, impulse_response[None, :])
        return wet[:, : ops.shape(signal)[1]]

    def initial_state(self, batch_size):
        """Silence: nothing rings on."""
        return {"tail": ops.zeros((batch_size, self.length - 1))}

    def stream(self, state, signal, impulse_response):
        """Convolves one block; the rest rings on in the state."""
        wet = fft_convolve(signal, impulse_response[None, :])
        done, tail = add_tail(wet, state["tail"], ops.shape(signal)[1])
        return done, {"tail": tail}

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "length": self.length}

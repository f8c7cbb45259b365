"""The timbre encoder of the DDSP paper."""

from typing import Any

import keras
from keras import layers, ops

from ddsp_tf.backend.execution import TRAINING, Execution
from ddsp_tf.dsp.framing import next_frames
from ddsp_tf.dsp.mfcc import mfcc
from ddsp_tf.dsp.rates import hop_size
from ddsp_tf.models.gru import run_gru
from ddsp_tf.typing import Tensor

NORMALIZATIONS = ("layer", "instance")


@keras.saving.register_keras_serializable(package="ddsp_tf")
class MfccRnnEncoder(layers.Layer):
    """Audio -> z: normalized MFCCs, a GRU, and a linear layer.

    The encoder of Engel et al., "DDSP" (ICLR 2020). As there, MFCCs are computed less than once per
    frame, and z is interpolated linearly between them.

    Args:
        z_dims: Channels of z.
        sample_rate: Samples per second.
        frame_rate: Frames per second of z; divides the sample rate.
        stride: Frames between two spectra.
        n_coefficients: Number of MFCCs.
        n_mels: Number of mel bands.
        rnn_channels: Units of the GRU.
        normalization: Axis of normalization. "layer": over the coefficients of each frame,
            independent of the rest of the recording. "instance": over the recording for each
            coefficient, as in the paper; it removes whatever is constant, such as the identity of
            the instrument.
        name: Layer name.
        **kwargs: Further `keras.layers.Layer` arguments.

    Call arguments:
        audio: Audio [batch, samples].

    Returns:
        z, [batch, samples // hop, z_dims] float32, with hop = sample_rate / frame_rate.

    Raises:
        ValueError: If the frame rate does not divide the sample rate, a number is below 1, or the
            normalization is unknown.

    Example:
        >>> import numpy as np
        >>> encoder = MfccRnnEncoder(z_dims=4, rnn_channels=8)
        >>> encoder(np.zeros((2, 6400), np.float32)).shape
        TensorShape([2, 100, 4])
    """

    execution: Execution = TRAINING

    def __init__(
        self,
        z_dims: int = 16,
        sample_rate: int = 16000,
        frame_rate: float = 250,
        stride: int = 8,
        n_coefficients: int = 30,
        n_mels: int = 80,
        rnn_channels: int = 512,
        normalization: str = "layer",
        name: str = "encoder",
        **kwargs: Any,
    ):
        # Audio stays in float32 under any policy.
        super().__init__(name=name, autocast=False, **kwargs)
        if min(z_dims, stride, rnn_channels) < 1:
            raise ValueError(
                f"z_dims={z_dims}, stride={stride}, rnn_channels={rnn_channels}; "
                "expected at least 1"
            )
        if normalization not in NORMALIZATIONS:
            raise ValueError(f"normalization={normalization!r}; expected one of {NORMALIZATIONS}")
        self.z_dims = z_dims
        self.sample_rate = sample_rate
        self.frame_rate = frame_rate
        self.hop = hop_size(sample_rate, frame_rate)
        self.stride = stride
        self.n_coefficients = n_coefficients
        self.n_mels = n_mels
        self.rnn_channels = rnn_channels
        self.normalization = normalization
        # If the cuDNN kernel were allowed, Keras would not let XLA compile the model.
        self.rnn = layers.GRU(
            rnn_channels,
            return_sequences=True,
            return_state=True,
            use_cudnn=False,
            dtype=self.dtype_policy,
        )
        self.output_layer = layers.Dense(z_dims, dtype=self.dtype_policy)

    def build(self, audio_shape: Any = None) -> None:
        """Builds the layers."""
        if self.built:
            return
        # Coefficients stay in float32 under any policy.
        options = {"shape": (self.n_coefficients,), "autocast": False}
        self.scale = self.add_weight(initializer="ones", name="scale", **options)
        self.shift = self.add_weight(initializer="zeros", name="shift", **options)
        self.rnn.build((None, None, self.n_coefficients))
        self.output_layer.build((None, None, self.rnn_channels))
        self.built = True

    def call(self, audio: Tensor) -> Tensor:
        """Returns z of every frame."""
        if len(audio.shape) != 2:
            raise ValueError(
                f"{self.name}: audio has shape {tuple(audio.shape)}; expected [batch, samples]"
            )
        audio = ops.cast(audio, "float32")
        n_frames = ops.shape(audio)[1] // self.hop
        padded = ops.pad(audio, [[0, 0], [0, (self.stride - 1) * self.hop]])
        coefficients = self._normalized(self._coefficients(padded))
        state = ops.zeros((ops.shape(audio)[0], self.rnn_channels), "float32")
        inputs = ops.cast(coefficients, self.compute_dtype)
        sequence, _ = run_gru(self.rnn, inputs, state, self.execution)
        coarse = ops.cast(self.output_layer(sequence), "float32")
        return self._glide(coarse)[:, :n_frames]

    def compute_output_shape(self, audio_shape: Any) -> tuple:
        """Returns (batch, frames, z_dims), with None for unknown sizes."""
        batch, samples = audio_shape
        return batch, None if samples is None else samples // self.hop, self.z_dims

    def compute_output_spec(self, audio: Any) -> keras.KerasTensor:
        """Returns the symbolic z, float32 under any policy."""
        return keras.KerasTensor(self.compute_output_shape(audio.shape), "float32")

    def _coefficients(self, audio):
        # At least 64 ms: 1024 samples at 16 kHz.
        fft_size = 1 << (self.sample_rate * 64 // 1000 - 1).bit_length()
        hop = self.hop * self.stride
        return mfcc(audio, self.sample_rate, hop, self.n_coefficients, self.n_mels, fft_size)

    def _normalized(self, coefficients):
        axis = -1 if self.normalization == "layer" else 1
        mean, variance = ops.moments(coefficients, axes=[axis], keepdims=True)
        # A recording with one spectrum, or with constant spectra, has no variance over time.
        return (coefficients - mean) * ops.rsqrt(variance + 1e-3) * self.scale + self.shift

    def _glide(self, coarse):
        ramp = ops.reshape(ops.arange(self.stride, dtype="float32") / self.stride, (-1, 1))
        steps = (next_frames(coarse) - coarse)[:, :, None]
        between = coarse[:, :, None] + ramp * steps
        return ops.reshape(between, (ops.shape(coarse)[0], -1, self.z_dims))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "z_dims": self.z_dims,
            "sample_rate": self.sample_rate,
            "frame_rate": self.frame_rate,
            "stride": self.stride,
            "n_coefficients": self.n_coefficients,
            "n_mels": self.n_mels,
            "rnn_channels": self.rnn_channels,
            "normalization": self.normalization,
        }

"""Losses between audio signals."""

from ddsp_tf.losses.multi_scale_spectral import MultiScaleSpectralLoss, scaled_fft_sizes

__all__ = ["MultiScaleSpectralLoss", "scaled_fft_sizes"]

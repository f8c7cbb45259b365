"""Neural networks that turn features into controls, and the model that joins them to processors."""

from ddsp_tf.models.autoencoder import Autoencoder
from ddsp_tf.models.rnn_decoder import RnnDecoder

__all__ = ["Autoencoder", "RnnDecoder"]

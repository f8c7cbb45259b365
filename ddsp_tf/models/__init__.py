"""Neural networks from features to controls, and the model that connects them to processors."""

from ddsp_tf.models.autoencoder import Autoencoder
from ddsp_tf.models.dilated_conv_decoder import DilatedConvDecoder
from ddsp_tf.models.level_matching import LevelMatching
from ddsp_tf.models.mfcc_rnn_encoder import MfccRnnEncoder
from ddsp_tf.models.min_gru_decoder import MinGruDecoder
from ddsp_tf.models.rnn_decoder import RnnDecoder

__all__ = [
    "Autoencoder",
    "DilatedConvDecoder",
    "LevelMatching",
    "MfccRnnEncoder",
    "MinGruDecoder",
    "RnnDecoder",
]

import re

import keras
import pytest
from small_models import make_decoder

from ddsp_tf.models import RnnDecoder

SIZES = {"amplitudes": 1, "harmonic_distribution": 60, "noise_magnitudes": 65}


@pytest.mark.parametrize(
    ("channels", "stack_layers", "parameters"), [(512, 3, 4_801_150), (256, 1, 1_873_278)]
)
def test_sizes_of_the_shipped_decoders(channels, stack_layers, parameters):
    decoder = RnnDecoder(SIZES, stack_channels=channels, stack_layers=stack_layers)
    decoder.build()
    assert decoder.count_params() == parameters


def test_weights_keep_their_names_and_order():
    # Files and checkpoints of earlier versions go by them.
    decoder = make_decoder()
    decoder.build()
    # Keras numbers its layers throughout a process.
    names = [
        re.sub(r"(_\d+)?/.*", "", weight.path.removeprefix("decoder/"))
        for weight in decoder.weights
    ]
    assert list(dict.fromkeys(names)) == [
        "f0_hz_stack",
        "loudness_db_stack",
        "gru",
        "output_stack",
        "dense",
    ]
    assert isinstance(decoder.rnn, keras.layers.GRU)

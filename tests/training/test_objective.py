import numpy as np
import pytest
from small_models import make_curves, make_model

from ddsp_tf.losses import MultiScaleSpectralLoss
from ddsp_tf.training.objective import Objective


@pytest.mark.parametrize("jitter", [0.0, 1.0])
def test_pitch_jitter_moves_what_the_decoder_hears(jitter):
    model, curves = make_model(), make_curves(2, 20)
    noise = curves.pop("noise")
    objective = Objective(model, MultiScaleSpectralLoss((64,)), pitch_jitter=jitter)
    inputs = objective.inputs({**curves, "source": ["a", "b"]}, noise)
    plain, _ = model.decode(curves)
    np.testing.assert_array_equal(inputs["f0_hz"][:, :, 0], curves["f0_hz"])
    same = np.allclose(inputs["harmonic_distribution"], plain["harmonic_distribution"], atol=1e-7)
    assert same == (jitter == 0.0)

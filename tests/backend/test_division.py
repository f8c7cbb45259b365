"""Two JAX devices exchange no clips, in a process of its own: devices are made at the start."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import jax, keras, numpy as np
from ddsp_tf.dsp.convolution import fft_convolve
from ddsp_tf.losses import MultiScaleSpectralLoss

loss = MultiScaleSpectralLoss(fft_sizes=(256, 64))
room = np.random.default_rng(1).normal(size=(1, 300)).astype(np.float32)
audio = np.random.default_rng(0).normal(size=(4, 2000)).astype(np.float32)
slope = jax.grad(lambda audio: loss(audio[:, ::-1], fft_convolve(audio, room, tail=False)).sum())
alone = slope(audio)
parallel = keras.distribution.DataParallel(auto_shard_dataset=False)
keras.distribution.set_distribution(parallel)
mesh = parallel.device_mesh.backend_mesh
clips = jax.NamedSharding(mesh, jax.P("batch"))
program = jax.jit(slope).lower(jax.device_put(audio, clips)).compile()
text = program.as_text()
for exchange in ("all-gather", "all-to-all", "collective-permute"):
    assert exchange not in text, exchange
np.testing.assert_allclose(program(jax.device_put(audio, clips)), alone, atol=1e-5, rtol=1e-4)
# What cannot be divided evenly is computed as a whole.
np.testing.assert_allclose(jax.jit(slope)(audio[:3]), slope(audio[:3]), atol=1e-5, rtol=1e-4)
"""


@pytest.mark.slow
def test_fourier_transforms_stay_where_the_clips_are():
    environment = os.environ | {
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
    }
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]

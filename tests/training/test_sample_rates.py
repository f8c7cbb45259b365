"""Above 16 kHz, harmonics carry what is harmonic.

The failure to avoid: in the first steps the loss silences the whole tone, because half of its
harmonics lie where the recording has nothing; noise takes its place and hides the harmonics from
the loss for good.
"""

import numpy as np
import pytest
import soundfile

from ddsp_tf.app.recordings import recording
from ddsp_tf.audio.reading import read_audio
from ddsp_tf.configuration.experiment import load_extractor
from ddsp_tf.data.preparation import prepare_dataset
from ddsp_tf.files.metrics_log import MetricsLog
from ddsp_tf.training.run import train_run

pytestmark = pytest.mark.slow

SHORT = (
    "RnnDecoder.stack_channels=32",
    "RnnDecoder.stack_layers=1",
    "RnnDecoder.rnn_channels=32",
    "train.steps=40",
    "train.batch_size=2",
    "train.clip_seconds=0.5",
    "train.learning_rate=3e-3",
    "train.warm_up_steps=5",
    "train.validate_every=1000",
    "train.render_every=0",
)


def violin(sample_rate):
    """Eight seconds of violin, nothing above 8 kHz."""
    return read_audio(recording("violin"), sample_rate)[: 8 * sample_rate]


def tone(sample_rate):
    """Four seconds of a gliding tone up to 20 kHz, 99 % of whose energy is harmonic."""
    time = np.arange(4 * sample_rate) / sample_rate
    f0_hz = 300.0 * 2.0 ** (0.3 * np.sin(2.0 * np.pi * 0.4 * time))
    phase = 2.0 * np.pi * np.cumsum(f0_hz) / sample_rate
    sines = sum(np.sin(k * phase) / k for k in range(1, 54))
    noise = np.random.default_rng(0).normal(size=time.size)
    noise *= 0.1 * np.sqrt(np.mean(sines**2) / np.mean(noise**2))
    return 0.2 * (0.6 + 0.4 * np.sin(2.0 * np.pi * 0.7 * time)) * (sines + noise)


@pytest.mark.parametrize(
    ("config", "sound"), [("solo_instrument_48k", violin), ("solo_instrument_44k", tone)]
)
def test_the_harmonic_stem_carries_the_energy(config, sound, tmp_path):
    extractor = load_extractor(config)
    soundfile.write(tmp_path / "a.wav", sound(extractor.sample_rate), extractor.sample_rate)
    dataset = tmp_path / "dataset"
    prepare_dataset([tmp_path / "a.wav"], dataset, extractor=extractor, validation_share=0.0)
    train_run(config, dataset, tmp_path / "run", overrides=SHORT)
    row = MetricsLog(tmp_path / "run/logs/metrics.csv").rows()[-1]
    harmonic, noise = (
        10.0 ** (row[f"level_{name}_db"] / 10.0) for name in ("harmonic", "filtered_noise")
    )
    assert harmonic / (harmonic + noise) > 0.9
    assert row["level_harmonic_db"] > row["level_target_db"] - 20.0

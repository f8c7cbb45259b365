"""Measures the memory of `ddsp-tf evaluate` on long recordings at 48 kHz.

    python benchmarks/evaluation_memory.py --minutes 60 --folder evaluation_memory

Prepares recordings of gliding tones and noise, makes a run with a small untrained model, and
evaluates it as the command does, with the report. Memory should not grow with the minutes.
"""

import math
from pathlib import Path

import click
import numpy as np
import soundfile
from measured_command import measure

RATE = 48000
MINUTES_PER_RECORDING = 5
OVERRIDES = (
    "n_harmonics=40",
    "n_bands=33",
    "MinGruDecoder.stack_channels=32",
    "MinGruDecoder.stack_layers=1",
    "MinGruDecoder.rnn_channels=32",
    "MinGruDecoder.rnn_layers=1",
    "Reverb.length=4800",
    # The quickest that the tracker can: memory does not depend on it.
    "FeatureExtractor.pitch_tracker={'name': 'swift_f0', 'check_octaves': False}",
    "FeatureExtractor.refine_f0=False",
)


def gliding_tone(seconds: float) -> np.ndarray:
    """Returns a tone of eight harmonics, which glides and swells, with noise."""
    time_s = np.arange(round(seconds * RATE)) / RATE
    midi = 57.0 + 8.0 * np.sin(2 * np.pi * time_s / 7.3)
    phase = 2 * np.pi * np.cumsum(440.0 * 2.0 ** ((midi - 69.0) / 12.0)) / RATE
    tone = sum(np.sin(number * phase) / number for number in range(1, 9))
    noise = np.random.default_rng(0).standard_normal(time_s.size)
    return ((0.06 + 0.05 * np.sin(2.0 * time_s)) * tone + 0.003 * noise).astype(np.float32)


def prepare(folder: Path, minutes: int):
    """Makes the dataset, all of it held out, and the run."""
    from ddsp_tf.configuration.experiment import load_experiment, load_extractor
    from ddsp_tf.data.preparation import prepare_dataset
    from ddsp_tf.files.run_directory import RunDirectory
    from ddsp_tf.inference.model_files import save_model

    recordings = folder / "recordings"
    recordings.mkdir(parents=True)
    tone = gliding_tone(60.0 * min(minutes, MINUTES_PER_RECORDING))
    for number in range(math.ceil(minutes / MINUTES_PER_RECORDING)):
        # Each begins elsewhere, because recordings of equal content are used only once.
        audio = np.roll(tone, number * RATE)
        soundfile.write(recordings / f"{number:02}.wav", audio, RATE, subtype="PCM_16")
    dataset = folder / "dataset"
    manifest = prepare_dataset(
        [recordings],
        dataset,
        extractor=load_extractor("fast_48k", OVERRIDES),
        validation_share=1.0,
    )
    experiment = load_experiment("fast_48k", OVERRIDES, seed=0)
    experiment.model.build()
    run = RunDirectory(folder / "run")
    run.path.mkdir()
    run.configuration.write_text(experiment.text)
    save_model(experiment.model, run.best_model)
    run.update(
        {
            **run.describe_datasets([dataset]),
            "config": "fast_48k",
            "seed": 0,
            "steps": 0,
            "recordings": manifest.title,
            "dataset_fingerprint": manifest.fingerprint,
            "extractor": manifest.extractor,
            "feature_statistics": manifest.statistics,
        }
    )


@click.command()
@click.option("--minutes", default=60, show_default=True, help="Minutes of sound, in fives.")
@click.option("--folder", required=True, type=Path, help="Folder to work in.")
def main(minutes, folder):
    """Evaluates a tiny model on minutes of sound at 48 kHz."""
    if not folder.exists():
        prepare(folder, minutes)
    _, mebibytes = measure("evaluate", folder / "run")
    print(f"{minutes} minutes: peak {mebibytes / 2**10:.2f} GiB")


if __name__ == "__main__":
    main()

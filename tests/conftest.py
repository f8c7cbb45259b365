"""Fixtures that many tests share."""

import functools
import gc
import json
import os
import re
import signal
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from plain_jax import plain_jax

if os.environ.get("KERAS_BACKEND") == "jax":
    os.environ.update(plain_jax())

# Under `nohup` or behind `&`, tests would inherit signals that are ignored.
for _name, _handler in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
    _signal = getattr(signal, _name, None)  # Windows has no SIGHUP.
    if _signal and signal.getsignal(_signal) == signal.SIG_IGN:
        signal.signal(_signal, _handler)

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "golden"

# Tracing creates millions of objects that stay; collecting garbage among them takes a tenth of the
# time.
gc.set_threshold(50_000, 20, 50)

# What `tiny_run` and `tiny_export` make takes half a minute: files that name them (or `workbench`,
# which copies them) run in the same process.
SHARING = re.compile(r"\b(tiny_run|tiny_export|tiny_ensemble|workbench)\b")

# The next longest, by what they took. Begun last, they would keep one process busy while the other
# has nothing to do.
LONGEST = (
    "tests/faults/test_killed.py",
    "tests/colab/test_check_versions.py",
    "tests/configuration/test_shipped_configurations.py",
    "tests/training/",
    "tests/benchmarks/ladder/",
    "tests/colab/",
    "tests/app/cli/test_chain.py",
    "tests/docs/",
    "tests/processors/test_backends_agree.py",
    "tests/models/",
    "tests/data/",
)


# Examples that trace whole models.
SLOW_EXAMPLES = (
    "ddsp_tf.export.exporter.export_model",
    "ddsp_tf.export.blockwise.decode_in_blocks",
)


@functools.cache
def shares(path: str) -> bool:
    """Whether a test file, by its path from the root, uses what is trained once."""
    return path.startswith("tests/") and bool(SHARING.search((ROOT / path).read_text("utf-8")))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Gives files to processes as `--dist loadfile` does, those that share as if they were one."""
    from xdist.scheduler import LoadFileScheduling

    class OneOfThemShares(LoadFileScheduling):
        def _split_scope(self, nodeid):
            path = nodeid.partition("::")[0]
            return "sharing" if shares(path) else super()._split_scope(nodeid)

    return OneOfThemShares(config, log)


def pytest_collection_finish():
    """Excludes everything that imports have created from later garbage collections."""
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Marks what is slow, and puts the longest files first; otherwise the order stays."""
    for item in items:
        if item.name in SLOW_EXAMPLES or item.get_closest_marker("long"):
            item.add_marker(pytest.mark.slow)

    def rank(item):
        path = item.nodeid.partition("::")[0]
        places = (k for k, name in enumerate(LONGEST, start=1) if path.startswith(name))
        return 0 if shares(path) else next(places, len(LONGEST) + 1)

    items.sort(key=rank)


@pytest.fixture(autouse=True)
def seeded():
    """Seeds every test; TensorFlow demands it once `train_run` has asked for determinism."""
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(0)


@pytest.fixture
def signals_arrive():
    """Handles SIGINT and SIGHUP, which a shell ignores for commands in the background."""
    usual = {signal.SIGINT: signal.default_int_handler}
    if sys.platform != "win32":
        usual[signal.SIGHUP] = signal.SIG_DFL
    before = {number: signal.getsignal(number) for number in usual}
    for number, handler in usual.items():
        signal.signal(number, handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def golden():
    """Loads recorded values of the original DDSP: `golden("core_units")` -> (arrays, cases).

    `cases` maps a case's name to its description (call, kwargs, names of inputs and outputs): see
    tests/golden/README.md.
    """

    def load(name: str):
        arrays = dict(np.load(GOLDEN / f"{name}.npz"))
        meta = json.loads(str(arrays.pop("meta")))
        return arrays, {case["name"]: case for case in meta["cases"]}

    return load


@pytest.fixture
def rng():
    """A seeded numpy generator."""
    return np.random.default_rng(0)


TINY = (
    "n_harmonics=8",
    "n_bands=9",
    "RnnDecoder.stack_channels=16",
    "RnnDecoder.stack_layers=2",
    "RnnDecoder.rnn_channels=16",
    "Reverb.length=400",
    "MultiScaleSpectralLoss.fft_sizes=(512, 128)",
    "train.steps=6",
    "train.decay='exponential'",  # With others, steps cannot be added to a run.
    "train.batch_size=2",
    "train.clip_seconds=0.5",
    "train.validate_every=3",
    "train.render_every=6",
    "train.average_momentum=0.5",
    "train.pitch_jitter=0.5",
)


def melody(seconds: float, seed: int, sample_rate: int = 16000) -> np.ndarray:
    """Notes of half a second with eight decaying harmonics and a little noise, [samples]."""
    generator = np.random.default_rng(seed)
    time = np.arange(int(seconds * sample_rate)) / sample_rate
    midi = generator.integers(55, 76, int(2 * seconds) + 1)[(2 * time).astype(int)]
    phase = np.cumsum(440.0 * 2.0 ** ((midi - 69) / 12.0)) / sample_rate
    envelope = 0.2 * np.sin(np.pi * (2 * time % 1.0)) ** 0.5
    tone = sum(np.sin(2 * np.pi * h * phase) / h**1.5 for h in range(1, 9))
    return (envelope * (tone + 0.02 * generator.normal(size=time.size))).astype(np.float32)


@pytest.fixture
def extractor():
    """16 kHz, 50 frames a second, pitch by counting."""
    from counting_tracker import CountingTracker

    from ddsp_tf.features.extractor import FeatureExtractor

    return FeatureExtractor(16000, 50, CountingTracker(), refine_f0=False)


@pytest.fixture
def record(tmp_path):
    """Writes a recording of noise below `tmp_path / "audio"`; each number sounds different."""

    import soundfile

    def write(name, seconds, number=None, sample_rate=16000, gain=0.5):
        path = tmp_path / "audio" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        number = zlib.crc32(name.encode()) if number is None else number
        sound = np.random.default_rng(number).uniform(-gain, gain, round(seconds * sample_rate))
        soundfile.write(path, sound, sample_rate, "FLOAT")
        # The library notes the time in the file, and content decides which files are held out.
        content = bytearray(path.read_bytes())
        time = content.index(b"PEAK") + 12
        content[time : time + 4] = bytes(4)
        path.write_bytes(content)
        return path

    return write


@pytest.fixture(scope="session")
def melodies(tmp_path_factory):
    """A folder with three WAV files of 4 s: melody_0.wav .. melody_2.wav."""
    import soundfile

    folder = tmp_path_factory.mktemp("melodies")
    for seed in range(3):
        soundfile.write(folder / f"melody_{seed}.wav", melody(4.0, seed), 16000)
    return folder


@pytest.fixture(scope="session")
def tiny_dataset(melodies, tmp_path_factory):
    """The melodies as a dataset for the demo configuration."""
    from ddsp_tf.configuration.experiment import load_extractor
    from ddsp_tf.data.preparation import prepare_dataset

    folder = tmp_path_factory.mktemp("tiny") / "dataset"
    prepare_dataset([melodies], folder, extractor=load_extractor("demo"), validation_share=0.34)
    return folder


@pytest.fixture(scope="session")
def tiny_run(tiny_dataset, tmp_path_factory):
    """A run of six steps of a tiny model on the melodies. Copy it before changing it."""
    from ddsp_tf.training.run import train_run

    folder = tmp_path_factory.mktemp("tiny") / "run"
    train_run("demo", tiny_dataset, folder, overrides=TINY, seed=1)
    return folder


@pytest.fixture(scope="session")
def tiny_export(tiny_run, tmp_path_factory):
    """The tiny run's model, exported."""
    from ddsp_tf.export.exporter import export_run
    from ddsp_tf.files.run_directory import RunDirectory

    folder = tmp_path_factory.mktemp("tiny") / "export"
    export_run(RunDirectory(tiny_run), folder)
    return folder


@pytest.fixture(scope="session")
def two_datasets(tiny_dataset, tmp_path_factory):
    """The tiny dataset as a cello, and one of shorter melodies as a flute."""
    import soundfile

    from ddsp_tf.configuration.experiment import load_extractor
    from ddsp_tf.data.preparation import prepare_dataset

    folder = tmp_path_factory.mktemp("flutes")
    for seed in (10, 11):
        soundfile.write(folder / f"flute_{seed}.wav", melody(2.0, seed), 16000)
    out = folder / "dataset"
    prepare_dataset([folder], out, extractor=load_extractor("demo"), validation_share=0.5)
    return {"cello": tiny_dataset, "flute": out}


@pytest.fixture(scope="session")
def tiny_ensemble(two_datasets, tmp_path_factory):
    """A run of six steps of a tiny model of both. Copy it before changing it."""
    from click.testing import CliRunner

    from ddsp_tf.app.cli import main

    folder = tmp_path_factory.mktemp("tiny") / "ensemble"
    words = ["-v", "train", "--config", "demo", "--run", str(folder), "--seed", "1"]
    words += [f"--data={name}={path}" for name, path in two_datasets.items()]
    result = CliRunner().invoke(main, [*words, *(f"--set={one}" for one in TINY)])
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(scope="session")
def tiny_overrides():
    """Settings that make the demo configuration tiny."""
    return TINY

"""Files with flipped and missing bytes: an error of one line, or no difference."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytestmark = pytest.mark.slow

CASES = 200
# Where a format has no checksum of its own, a flipped bit may well be another number.
UNCHECKED = (".wav", ".csv", ".json", ".gin", ".mp3", ".m4a", ".aiff", ".caf", ".flac", ".ogg")


@pytest.fixture(scope="module")
def originals(melodies, tiny_dataset, tiny_run, tiny_export, tmp_path_factory):
    """Every kind of file that is read, as (kind of reader, folder to copy, file in it)."""
    folder = tmp_path_factory.mktemp("originals")
    sound, _ = soundfile.read(melodies / "melody_0.wav")
    for suffix in ("wav", "flac", "ogg", "mp3", "aiff", "caf"):
        soundfile.write(folder / f"take.{suffix}", sound, 16000)
    found = [("recording", folder, path.name) for path in sorted(folder.iterdir())]
    found += _feature_files(tmp_path_factory.mktemp("features"))
    found += [
        ("dataset", tiny_dataset, path.name)
        for path in sorted(tiny_dataset.iterdir())
        if path.suffix != ".html"
    ]
    found += [
        ("run", tiny_run, "run.json"),
        ("configuration", tiny_run, "config.gin"),
        ("model", tiny_run, "best.keras"),
    ]
    checkpoints = tiny_run / "checkpoints"
    found.append(("checkpoint", checkpoints, max(checkpoints.iterdir()).name))
    found += [
        ("export", tiny_export, path.relative_to(tiny_export).as_posix())
        for path in sorted(tiny_export.rglob("*"))
        if path.is_file() and path.suffix != ".tflite"
    ]
    found.append(("description", tiny_export, "model.json"))
    return found


def _feature_files(folder):
    from ddsp_tf import save_features

    curves = {
        "f0_hz": np.linspace(200.0, 300.0, 200, dtype=np.float32),
        "loudness_db": np.linspace(-40.0, -20.0, 200, dtype=np.float32),
    }
    for suffix in ("npz", "csv", "json"):
        save_features(folder / f"curves.{suffix}", curves, 100)
    return [("features", folder, f"curves.{suffix}") for suffix in ("npz", "csv", "json")]


def damaged(content: bytes, generator) -> bytes:
    """Flips some bits, or cuts, or overwrites a part with zeros or noise."""
    content = bytearray(content)
    place = int(generator.integers(len(content)))
    length = int(min(generator.integers(1, 200), len(content) - place))
    kind = generator.integers(5)
    if kind == 0:
        for _ in range(int(generator.integers(1, 9))):
            content[generator.integers(len(content))] ^= 1 << generator.integers(8)
    elif kind == 1:
        del content[place:]
    elif kind == 2:
        content[place : place + length] = bytes(length)
    elif kind == 3:
        content[place : place + length] = generator.bytes(length)
    else:
        # Headers decide most: damage these as often as all the rest.
        head = min(len(content), 200)
        content[generator.integers(head)] = generator.integers(256)
    return bytes(content)


def test_no_traceback_no_hang_no_other_result(originals, commands, tmp_path):
    generator = np.random.default_rng(0)
    intact = {}
    failures = []
    for case in range(CASES):
        kind, source, name = originals[case % len(originals)]
        if (source, name) not in intact:
            status, printed = commands.read(kind, source / name)
            assert status == 0, (name, printed)
            intact[source, name] = printed
        folder = tmp_path / "copy" / Path(source).name
        shutil.rmtree(folder.parent, ignore_errors=True)
        shutil.copytree(source, folder)
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(damaged(content, generator))
        status, printed = commands.read(kind, folder / name)
        lines = [line for line in printed.splitlines() if line.startswith("error: ")]
        if status == 2:
            problem = "" if len(lines) == 1 else "not one line"
        elif status != 0:
            problem = f"status {status}"
        elif Path(name).suffix in UNCHECKED or kind == "checkpoint":
            problem = ""
        else:
            problem = "" if printed == intact[source, name] else "another result"
        if problem:
            failures.append(f"case {case}, {kind} {name}: {problem}\n{printed[-800:]}")
    assert not failures, f"{len(failures)} of {CASES}:\n" + "\n".join(failures[:12])

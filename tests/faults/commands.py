"""Commands of ddsp-tf that can be killed, and what they leave behind."""

import contextlib
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import soundfile

_NOTE = re.compile(r"[EIW]\d{4} \d\d:\d\d:")
SERVER = Path(__file__).with_name("fork_server.py")


class Commands:
    """Runs commands one after the other; see fork_server.py.

    Args:
        log: File that gets what the commands print.
    """

    def __init__(self, log: Path):
        self.log = log
        self._server = subprocess.Popen(
            [sys.executable, str(SERVER), str(log)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._server.stdout.readline() == "ready\n"

    def read(self, kind: str, path: Path, limit: float = 60.0):
        """Reads a file with one of the functions in readers.py; returns status and print-out."""
        status, _, printed = self.run(f"read:{kind}", path, limit=limit)
        # Libraries print notes with times.
        found = [line for line in printed.splitlines() if not _NOTE.match(line)]
        return status, "\n".join(found)

    def run(self, *arguments, kill=None, after: float = 0.0, limit: float = 200.0):
        """Runs a command.

        Args:
            arguments: Arguments of ddsp-tf.
            kill: Signal to send to it; None lets it end.
            after: Seconds from its start to the signal.
            limit: Seconds after which a command counts as hanging.

        Returns:
            Tuple of its exit status (negative: a signal ended it), the seconds it took, and what
            it printed.
        """
        started = time.monotonic()
        self._server.stdin.write(json.dumps([str(argument) for argument in arguments]) + "\n")
        self._server.stdin.flush()
        child = int(self._server.stdout.readline())
        timers = [threading.Timer(limit, _send, (child, signal.SIGKILL))]
        if kill is not None:
            timers.append(threading.Timer(after, _send, (child, kill)))
        for timer in timers:
            timer.start()
        status = int(self._server.stdout.readline())
        for timer in timers:
            timer.cancel()
        seconds = time.monotonic() - started
        printed = self.log.read_text(errors="replace")
        assert seconds < limit, f"{arguments} hangs: {printed}"
        return status, seconds, printed

    def close(self):
        """Ends the server."""
        self._server.stdin.close()
        self._server.stdout.close()
        self._server.wait()


def _send(child, number):
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, number)


# Values that differ between two runs of the same command: times, and hashes of files with times.
_VARYING = re.compile(
    r'"(seconds|export_time|date_saved|bytes|sha256|model_sha256)": ?("[^"]*"|[-0-9.e+]+)'
)
# TensorBoard writes one file a start. Graphs name their nodes by what the process made before;
# the command compares what exports play by itself.
_UNCOMPARED = ("timing.csv", "saved_model.pb", "fingerprint.pb")


def contents(folder: Path) -> dict[str, str]:
    """Describes all files below a folder, hidden ones included.

    Args:
        folder: Folder to look at.

    Returns:
        Hash of what counts in each file, by its name relative to the folder.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.name.startswith("events.out.tfevents"):
            found[name.rpartition("/")[0] + "/events"] = "any"
            continue
        if path.parent.name == "checkpoints":
            # Stopping leaves one more, and drops the oldest; the sorted last one counts.
            name = name.rpartition("/")[0] + "/newest"
        if path.is_dir():
            found[name] = "folder"
        elif path.name in _UNCOMPARED or path.suffix == ".tflite" or "variables/" in name:
            found[name] = "any"
        else:
            found[name] = _digest(path, folder)
    return found


def _digest(path: Path, folder: Path) -> str:
    digest = hashlib.sha256()
    if path.suffix in (".keras", ".npz"):
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                content = archive.read(name)
                varies = name.endswith(".json")
                digest.update(_without_times(content, folder) if varies else content)
    elif path.suffix == ".wav":  # Whose header may hold a time.
        digest.update(soundfile.read(path)[0].tobytes())
    elif path.suffix == ".csv":
        return _without_times(path.read_bytes(), folder).decode()
    elif path.suffix in (".json", ".html", ".gin"):
        digest.update(_without_times(path.read_bytes(), folder))
    else:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _without_times(content: bytes, folder: Path) -> bytes:
    text = content.decode("utf-8").replace(str(folder), "FOLDER")
    return _VARYING.sub("", text).encode()


def differences(found: dict[str, str], expected: dict[str, str]) -> dict[str, tuple]:
    """Returns the files that differ, as (found, expected); None where there is no file."""
    names = sorted({*found, *expected})
    pairs = {name: (found.get(name), expected.get(name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def moments(seed: int, count: int, seconds: float) -> list[tuple[signal.Signals, float]]:
    """Draws when to send which signal: half of them kill, half ask to stop."""
    generator = np.random.default_rng(seed)
    kinds = [signal.SIGKILL, signal.SIGTERM] * (count // 2)
    return [(kind, float(generator.uniform(0.05, 1.0) * seconds)) for kind in kinds]

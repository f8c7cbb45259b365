"""Commands that run in children of one process."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from commands import Commands


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    """Runs commands of ddsp-tf, and reads files; see `Commands`."""
    server = Commands(tmp_path_factory.mktemp("server") / "log")
    yield server
    server.close()

"""Programs that JAX keeps for the next process."""

import os
import subprocess
import sys

import pytest

CODE = """
import jax
from ddsp_tf.backend.kept_programs import keep_programs
keep_programs()
hits = []
jax.monitoring.register_event_listener(
    lambda event, **_: hits.append(event) if event.endswith("/cache_hits") else None)
print(int(jax.jit(lambda x: x + 1)(41)), len(hits))
"""


def run(folder):
    """What a process computes, and how many programs it finds."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("JAX_")},
        "XDG_CACHE_HOME": str(folder),
        "JAX_PLATFORMS": "cpu",
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    command = [sys.executable, "-c", CODE]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    answer, hits = done.stdout.split()
    return int(answer), int(hits)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="other platforms have other cache folders")
def test_programs_are_found_again_and_damage_does_no_harm(tmp_path):
    assert run(tmp_path) == (42, 0)
    answer, hits = run(tmp_path)
    assert answer == 42 and hits > 0
    kept = [file for file in tmp_path.glob("ddsp_tf/jax/*") if file.name.endswith("-cache")]
    for file in kept:
        file.write_bytes(b"damaged")
    assert kept and run(tmp_path) == (42, 0)


@pytest.mark.slow
def test_a_folder_that_cannot_be_made_does_no_harm(tmp_path):
    (tmp_path / "ddsp_tf").write_text("in the way")
    assert run(tmp_path) == (42, 0)

"""Runs a command of `ddsp-tf`, and prints its time and memory.

    python benchmarks/measured_command.py evaluate my_run

The last line of the output is the time, program start included, and the largest resident set.
"""

import json
import os
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from worker import HostMemory


def measure(*arguments: str) -> tuple[float, float]:
    """Runs a command in a process of its own.

    Args:
        *arguments: Arguments of `ddsp-tf`.

    Returns:
        Seconds, and the largest resident set in MiB.
    """
    started = time.perf_counter()
    command = [sys.executable, __file__, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"ddsp-tf {' '.join(map(str, arguments))}: failed")
    return time.perf_counter() - started, json.loads(done.stdout.splitlines()[-1])["mib"]


def main():
    """Runs the command of the arguments."""
    started, memory = time.perf_counter(), HostMemory()
    from ddsp_tf.app.cli import main as run_command

    try:
        code = run_command()
    except SystemExit as ended:
        code = ended.code
    # Unlike `ru_maxrss`, this excludes memory inherited from the parent process.
    peak = {"seconds": time.perf_counter() - started, "mib": memory.highest() / 2**20}
    print(json.dumps(peak))
    sys.exit(code)


if __name__ == "__main__":
    main()

"""Installs the library over Colab's versions, checks that none is replaced, and tests it.

    python colab/check_versions.py                          # today's runtime, all tests
    python colab/check_versions.py --runtime 2026.04
    python colab/check_versions.py tests/dsp -k harmonic    # arguments of pytest

The runtimes are `colab/runtimes/*.txt`. A fresh virtual environment gets a runtime's packages; then
the library is installed from this checkout as the notebooks do it, and pip reports changes.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUNTIMES = {"current": "3.13", "2026.04": "3.12"}
# Files from which an installation is built; building in the checkout would leave files there.
SOURCES = ("LICENSE", "README.md", "ddsp_tf", "export", "gin", "pyproject.toml", "setup.cfg")
# These test the project, not the library, and need its other development packages.
NOT_HERE = (
    "tests/benchmarks",
    "tests/docs",
    "tests/faults",
    "tests/test_house.py",
    "tests/test_instruction_sets.py",
    "tests/test_typing.py",
    "tests/test_wheel.py",
)
# Bytes that the packages take while pip installs them.
SPACE = 3_600_000_000


def find_python(version: str) -> str:
    """Finds an interpreter of a version on the path or in pyenv; by default the running one."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for path in (shutil.which(f"python{version}"), *sorted(pyenv.glob(f"{version}.*/bin/python"))):
        # pyenv has shims of versions that are not active: they exist, but do not run.
        if path and _runs(path):
            return str(path)
    return sys.executable


def _runs(python) -> bool:
    probe = [python, "-c", "import venv, ensurepip"]
    return subprocess.run(probe, capture_output=True).returncode == 0


def missing_space(folder: str) -> str:
    """Returns a sentence if a folder has no room for the packages, else an empty one."""
    free = shutil.disk_usage(folder).free
    if free >= SPACE:
        return ""
    return f"{folder} has {free / 1e9:.1f} GB free; the packages need {SPACE / 1e9:.1f} GB."


def changes(before: dict[str, str], after: dict[str, str]) -> dict[str, str]:
    """Names the packages that have changed: "2.1.3 -> 2.4.6", "2.1.3 -> gone"."""
    return {
        name: f"{version} -> {after.get(name, 'gone')}"
        for name, version in before.items()
        if after.get(name) != version
    }


class Environment:
    """A virtual environment.

    Args:
        folder: Folder to make it in.
        python: Interpreter to use.
    """

    def __init__(self, folder: Path, python: str):
        subprocess.run([python, "-m", "venv", str(folder)], check=True)
        self.python = folder / "bin" / "python"

    def pip(self, *arguments) -> str:
        """Runs pip; returns what it printed, and ends the program with that if it fails."""
        command = [str(self.python), "-m", "pip", "--disable-pip-version-check"]
        command += map(str, arguments)
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode:
            sys.exit(f"pip {' '.join(map(str, arguments))}:\n{result.stdout}{result.stderr}")
        return result.stdout

    def packages(self) -> dict[str, str]:
        """Returns the versions of all packages by name."""
        listed = json.loads(self.pip("list", "--format=json"))
        return {one["name"].lower(): one["version"] for one in listed}


def install_runtime(environment: Environment, pins: Path):
    """Installs a runtime's packages."""
    lines = pins.read_text().splitlines()
    # pip keeps downloads until everything is installed: the largest file is installed first, alone.
    largest = next(line for line in lines if line.startswith("tensorflow=="))
    # Bytecode of what is never imported would take most of the time.
    environment.pip("install", "--no-compile", "--no-deps", largest)
    environment.pip("install", "--no-compile", "-r", pins)


def install(environment: Environment, work: Path) -> bool:
    """Installs the library from the checkout over the packages, and prints what changed.

    Returns:
        Whether all packages are still there in the same versions.
    """
    source = work / "source"
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / name, source / name)
    before = environment.packages()
    # With LiteRT, which the notebook run_exported_models installs.
    environment.pip("install", f"{source}[litert]")
    after = environment.packages()
    changed = changes(before, after)
    print(f"There were {len(before)} packages; {len(changed)} of them were replaced.")
    for name, change in changed.items():
        print(f"  {name}: {change}")
    new = sorted(f"{name} {version}" for name, version in after.items() if name not in before)
    print(f"New: {', '.join(new)}", flush=True)
    environment.pip("check")
    return not changed


def run_tests(environment: Environment, arguments: list[str]) -> int:
    """Runs tests of the checkout on the installed library; returns pytest's exit code."""
    # Safe path: otherwise the checkout's own ddsp_tf, in the working folder, would be imported.
    variables = {**os.environ, "PYTHONSAFEPATH": "1"}
    variables.pop("PYTHONPATH", None)
    variables = {k: v for k, v in variables.items() if not k.startswith("PYTEST_")}
    where = [str(environment.python), "-c", "import ddsp_tf; print(ddsp_tf.__file__)"]
    place = subprocess.run(
        where, env=variables, capture_output=True, text=True, check=True, cwd=ROOT
    )
    print("Tested:", place.stdout.strip(), flush=True)
    # Older packages warn about each other. Warnings that our code causes are errors.
    options = ["-q", "--disable-warnings", "-p", "no:cacheprovider"]
    command = [str(environment.python), "-m", "pytest", *options, *arguments]
    return subprocess.run(command, env=variables, cwd=ROOT).returncode


def main() -> int:
    """Makes the environment, installs, tests; returns 0 if all is well, 2 if there is no room."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runtime", choices=RUNTIMES, default="current")
    options, arguments = parser.parse_known_args()
    if missing := missing_space(tempfile.gettempdir()):
        print(missing, file=sys.stderr)
        return 2
    python = find_python(RUNTIMES[options.runtime])
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        environment = Environment(work / "venv", python)
        install_runtime(environment, ROOT / "colab" / "runtimes" / f"{options.runtime}.txt")
        version = subprocess.check_output([str(environment.python), "--version"], text=True)
        print(f"Runtime {options.runtime}: {version.strip()}")
        unchanged = install(environment, work)
        if not arguments:
            environment.pip("install", "pytest-xdist")
            ignored = [f"--ignore={name}" for name in NOT_HERE]
            arguments = ["tests", "-n", "2", "--dist", "loadfile", *ignored]
        failed = run_tests(environment, arguments)
    return 0 if unchanged and not failed else 1


if __name__ == "__main__":
    sys.exit(main())

"""Runs commands of ddsp-tf in children of a process that has imported everything already.

    python fork_server.py LOG

A line on standard input is a command, a JSON list of arguments (or "read:KIND" and a path, for a
function of readers.py). The answer is a line with the child's process number and, when the child
has ended, a line with its exit status. What the child prints goes to the file LOG. Importing
TensorFlow takes seconds: a child that is killed at a random moment would mostly be killed while it
imports.
"""

import importlib
import json
import os
import pkgutil
import sys
import traceback

import readers

import ddsp_tf
from ddsp_tf.app.cli import main
from ddsp_tf.errors import UserError


def _import_all():
    for module in pkgutil.walk_packages(ddsp_tf.__path__, "ddsp_tf."):
        # A back end for many machines starts threads, which a fork does not take along.
        if not module.name.endswith(("__main__", "beam")):
            importlib.import_module(module.name)


def _run(arguments: list[str], log: str):
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False, errors="replace")
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False, errors="replace")
    status = 1
    try:
        if arguments[0].startswith("read:"):
            print(readers.digest(arguments[0].removeprefix("read:"), arguments[1]))
        else:
            main(arguments, prog_name="ddsp-tf")
        status = 0
    except UserError as error:
        print(f"error: {error}")
        status = 2
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _serve(log: str):
    _import_all()
    print("ready", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os.setsid()
            _run(json.loads(line), log)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    _serve(sys.argv[1])

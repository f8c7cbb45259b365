"""XLA's flags: whose they are, and that TensorFlow knows them."""

import os
import subprocess
import sys

import pytest
from backends import tensorflow_only

from ddsp_tf.backend.xla_environment import flags_added, with_flags
from ddsp_tf.backend.xla_settings import quick_start_flags

PARALLEL = "xla_gpu_enable_llvm_module_compilation_parallelism"


def test_flags_of_the_user_are_kept():
    given = f"--{PARALLEL}=false --xla_dump_to=here"
    flags = with_flags(given, quick_start_flags("2.21.0", True)).split()
    assert flags[:2] == given.split()
    assert sum(PARALLEL in flag for flag in flags) == 1 and len(flags) == 4


@pytest.mark.parametrize("given", [None, "--xla_dump_to=here"])
def test_flags_are_gone_after_the_block_and_after_an_error(given, monkeypatch):
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    if given:
        monkeypatch.setenv("XLA_FLAGS", given)
    with pytest.raises(ZeroDivisionError), flags_added({"xla_other": "1"}):
        assert os.environ["XLA_FLAGS"].split()[-1] == "--xla_other=1"
        raise ZeroDivisionError
    assert os.environ.get("XLA_FLAGS") == given


def test_versions_that_are_not_known_get_no_flags():
    assert all(quick_start_flags(one, False) == {} for one in ("2.20.0", "2.22.0"))


def test_products_in_a_loop_are_tuned():
    flag = "xla_gpu_enable_triton_gemm"
    assert quick_start_flags("2.21.0", False)[flag] == "false"
    assert flag not in quick_start_flags("2.21.0", True)


@tensorflow_only
@pytest.mark.slow
def test_tensorflow_knows_the_flags_and_other_processes_do_not_get_them():
    code = (
        "import os\n"
        "import tensorflow as tf\n"
        "from ddsp_tf.backend.xla_settings import set_xla_flags\n"
        "tf.config.list_physical_devices = lambda kind=None: ['GPU']\n"
        "set_xla_flags(has_loop=False)\n"
        "tf.function(lambda x: x + 1.0, jit_compile=True)(tf.zeros(()))\n"
        "print('flags:', os.environ.get('XLA_FLAGS'))\n"
    )
    environment = {key: value for key, value in os.environ.items() if key != "XLA_FLAGS"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "flags: None"

"""What XLA is asked for when training shall start soon rather than step fast."""

from collections.abc import MutableMapping

import keras

# XLA otherwise runs many forms of every matrix product before the first step, to find the fastest.
_NO_TRIALS = ("--xla_gpu_enable_triton_gemm=false", "--xla_gpu_autotune_level=0")
_IN_PARALLEL = (
    "--xla_gpu_enable_llvm_module_compilation_parallelism=true",
    "--xla_gpu_force_compilation_parallelism=16",
)
# A process that gives XLA a flag that it does not know is stopped. JAX 0.11 knows these no more.
_LAST_TENSORFLOW_IN_PARALLEL = (2, 21)


def start_quickly(environment: MutableMapping[str, str]) -> None:
    """Tells XLA to let the first step come soon, for slower steps, on the present backend.

    XLA reads its flags once, when something is compiled first: tell it before. On a CPU, where
    nothing is tried, they change nothing.

    Args:
        environment: The process's, `os.environ`. Its "XLA_FLAGS" get more flags; those that are
            set stay as they are.

    Example:
        >>> environment = {"XLA_FLAGS": "--xla_gpu_autotune_level=2"}
        >>> start_quickly(environment)
        >>> environment["XLA_FLAGS"].split()[:2]
        ['--xla_gpu_autotune_level=2', '--xla_gpu_enable_triton_gemm=false']
    """
    given = environment.get("XLA_FLAGS", "").split()
    names = {flag.partition("=")[0] for flag in given}
    flags = [*_NO_TRIALS, *(_IN_PARALLEL if _compiles_in_parallel() else ())]
    new = [flag for flag in flags if flag.partition("=")[0] not in names]
    environment["XLA_FLAGS"] = " ".join([*given, *new])


def _compiles_in_parallel() -> bool:
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    major, minor = tf.__version__.split(".")[:2]
    return (int(major), int(minor)) <= _LAST_TENSORFLOW_IN_PARALLEL

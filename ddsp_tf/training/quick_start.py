"""What XLA is asked for when training shall start soon rather than step fast."""

import importlib.metadata

import keras

# XLA otherwise runs many forms of every matrix product before the first step, to find the fastest.
_NO_TRIALS = ("--xla_gpu_enable_triton_gemm=false", "--xla_gpu_autotune_level=0")
_IN_PARALLEL = (
    "--xla_gpu_enable_llvm_module_compilation_parallelism=true",
    "--xla_gpu_force_compilation_parallelism=16",
)
# A process that gives XLA a flag that it does not know is stopped. JAX 0.11 knows these no more.
_LAST_TENSORFLOW_IN_PARALLEL = (2, 21)


def quick_start_flags(given: str = "") -> str:
    """Flags for XLA that make the first step come soon, for slower steps.

    XLA reads its flags once, when something is compiled first: set them before. On a CPU, where
    nothing is tried, they change nothing.

    Args:
        given: Flags that are set, as in the environment's `XLA_FLAGS`. What they say stays.

    Returns:
        All flags, divided by spaces, for the present backend.

    Example:
        >>> quick_start_flags("--xla_gpu_autotune_level=2").split()[:2]
        ['--xla_gpu_autotune_level=2', '--xla_gpu_enable_triton_gemm=false']
    """
    flags = [*_NO_TRIALS, *(_IN_PARALLEL if _compiles_in_parallel() else ())]
    names = {flag.partition("=")[0] for flag in given.split()}
    return " ".join([*given.split(), *(f for f in flags if f.partition("=")[0] not in names)])


def _compiles_in_parallel() -> bool:
    if keras.backend.backend() != "tensorflow":
        return False
    major, minor = importlib.metadata.version("tensorflow").split(".")[:2]
    return (int(major), int(minor)) <= _LAST_TENSORFLOW_IN_PARALLEL

"""XLA flags that shorten the time to the first training step and do not slow the others."""

from importlib.metadata import version

import keras

from ddsp_tf.backend.placement import processors
from ddsp_tf.backend.xla_environment import flags_added

# Versions differ in their flags, and an unknown one ends the process.
_TENSORFLOW = "2.21."
_MOST_AT_ONCE = 16


def set_xla_flags(has_loop: bool) -> None:
    """Gives TensorFlow's XLA flags that the user has not set, before a GPU is first used.

    TensorFlow reads them when it first creates, or lists, devices to compute on; later calls have
    no effect. The function does nothing without a GPU, on JAX, or for versions of TensorFlow whose
    flags are not known.

    Args:
        has_loop: Whether matrix products wait for each other in a loop over frames, as in a GRU.

    Example:
        >>> set_xla_flags(has_loop=True)
    """
    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    # Unlike `has_accelerator`, this creates no devices.
    if tf.config.list_physical_devices("GPU"):
        with flags_added(quick_start_flags(version("tensorflow"), has_loop)):
            tf.config.list_logical_devices()


def quick_start_flags(tensorflow: str, has_loop: bool) -> dict[str, str]:
    """Returns the flags of a quick start.

    Args:
        tensorflow: Version of TensorFlow.
        has_loop: Whether matrix products wait for each other in a loop over frames.

    Returns:
        Values by name; none for versions that they were not tried with.

    Example:
        >>> quick_start_flags("2.21.0", False)["xla_gpu_enable_triton_gemm"]
        'false'
        >>> quick_start_flags("9.9.9", False)
        {}
    """
    if not tensorflow.startswith(_TENSORFLOW):
        return {}
    # Kernels are compiled in parallel, and only matrix products are tuned: tuning other kernels as
    # well took 14 of the 68 s until the first step of `fast` and 16 of the 66 s of
    # `solo_instrument` (H100), whose steps then took 6.1 instead of 6.2 ms, and 21.0 instead of
    # 19.2 ms.
    flags = {
        "xla_gpu_enable_llvm_module_compilation_parallelism": "true",
        "xla_gpu_force_compilation_parallelism": str(min(processors(), _MOST_AT_ONCE)),
        "xla_gpu_experimental_enable_fusion_autotuner": "false",
    }
    if not has_loop:
        # Trying Triton's products took 19 of the 42 s until the first step of `fast`, whose steps
        # took 5.5 to 5.7 ms with them and 5.6 to 6.0 ms without. In the loop of `solo_instrument`
        # they save 16 of 35 ms.
        flags["xla_gpu_enable_triton_gemm"] = "false"
    return flags

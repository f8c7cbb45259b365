"""A persistent cache of the programs that JAX compiles."""

from ddsp_tf.backend.user_cache import user_cache

_MOST_BYTES = 1 << 30


def keep_programs() -> None:
    """Lets JAX keep compiled programs in the user's cache, `ddsp_tf/jax`.

    JAX names them after everything that they depend on: the computation, the device, the versions
    and flags. A damaged one is compiled again. A folder that the user has chosen with
    JAX_COMPILATION_CACHE_DIR takes precedence; JAX_ENABLE_COMPILATION_CACHE=false turns the cache
    off.

    Example:
        >>> keep_programs()  # doctest: +SKIP
    """
    import jax

    if jax.config.jax_compilation_cache_dir is None:
        jax.config.update("jax_compilation_cache_dir", str(user_cache("jax")))
        jax.config.update("jax_compilation_cache_max_size", _MOST_BYTES)

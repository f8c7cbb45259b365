"""How JAX compiles in the tests: plainly, because nearly all of their time would go there."""

from importlib import metadata

# The last version seen to know the flag below: XLA ends a process whose flag it does not know.
_LAST_WITH_EMITTERS = (0, 10)


def plain_jax() -> dict[str, str]:
    """What the environment of a process must hold before JAX computes in it."""
    version = tuple(int(number) for number in metadata.version("jax").split(".")[:2])
    flags = "--xla_cpu_use_fusion_emitters=false" if version <= _LAST_WITH_EMITTERS else ""
    return {"JAX_DISABLE_MOST_OPTIMIZATIONS": "true", "XLA_FLAGS": flags}

"""How JAX compiles in the tests: plainly, because nearly all of their time would go there."""

import os
from importlib import metadata

# The last version seen to know the flag below: XLA ends a process whose flag it does not know.
_LAST_WITH_EMITTERS = (0, 10)


def plain_jax() -> dict[str, str]:
    """Environment that a process needs before it imports JAX; the caller's XLA_FLAGS stay."""
    version = tuple(int(number) for number in metadata.version("jax").split(".")[:2])
    flags = os.environ.get("XLA_FLAGS", "")
    if version <= _LAST_WITH_EMITTERS and "fusion_emitters" not in flags:
        flags = f"--xla_cpu_use_fusion_emitters=false {flags}".strip()
    return {"JAX_DISABLE_MOST_OPTIMIZATIONS": "true", "XLA_FLAGS": flags}

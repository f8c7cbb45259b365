"""Description of the machine on which numbers are measured."""

import os
import platform
import re
from pathlib import Path


def describe_machine() -> dict[str, str]:
    """Describes processor, memory and system.

    Returns:
        Strings by "processor", "cores", "memory", "system", "python".
    """
    return {
        "processor": _processor(),
        "cores": str(_cores()),
        "memory": f"{memory_bytes() / 2**30:.0f} GiB",
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
    }


def memory_bytes() -> int:
    """Returns the size of the machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _cores() -> int:
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count()


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        found = re.search(r"^model name\s*:\s*(.+)$", information.read_text(), re.MULTILINE)
        if found:
            return found.group(1)
    return platform.processor() or platform.machine()

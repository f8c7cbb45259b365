"""The user's cache: files that are made or downloaded again if they are missing."""

import os
import sys
from pathlib import Path


def user_cache(name: str) -> Path:
    """Returns a folder in the user's cache; it may not exist.

    Args:
        name: Name of the folder.

    Returns:
        `ddsp_tf/NAME` where the platform keeps caches.

    Example:
        >>> user_cache("crepe").parts[-2:]
        ('ddsp_tf', 'crepe')
    """
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "ddsp_tf" / name

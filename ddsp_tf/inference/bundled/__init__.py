"""Trained models that come with the package.

`benchmarks/bundled/make_instruments.py` trained them on the recordings that `credits.py` names.
Seven instruments are parts of one run, "ensemble"; "demo_violin" is a small model of configuration
`demo`, trained before the configuration matched levels.
"""

import os
from pathlib import Path

from ddsp_tf.errors import UserError

PREFIX = "bundled:"
_FOLDER = Path(__file__).parent
_FOLDERS = {
    record.parent.name: record.parent
    for pattern in ("*/run.json", "*/instruments/*/run.json")
    for record in _FOLDER.glob(pattern)
}
NAMES = tuple(sorted(_FOLDERS))


def instrument(name: str) -> Path:
    """Returns the run directory of a bundled model, from which it can be played and exported.

    Args:
        name: Name of the model: "alto_sax", "cello", "double_bass", "flute", "trumpet", "tuba",
            "violin", "ensemble" for all of these in one, or "demo_violin" (configuration `demo`,
            trained on the bundled recording of a violin).

    Returns:
        Folder for `load_model`, `load_player` and `RunDirectory`.

    Raises:
        UserError: If there is no model of that name.

    Example:
        >>> sorted(path.name for path in instrument("violin").iterdir())
        ['expression.npz', 'run.json']
    """
    if name not in NAMES:
        raise UserError(f"{PREFIX}{name}: no such bundled model; there are {', '.join(NAMES)}")
    return _FOLDERS[name]


def resolve_model(argument: str | os.PathLike) -> Path:
    """Resolves the name of a model in a command, a form or a configuration.

    Args:
        argument: Path, or "bundled:NAME" for a bundled model.

    Returns:
        Path, which need not exist.

    Raises:
        UserError: If there is no bundled model of that name.

    Example:
        >>> resolve_model("bundled:violin").name, resolve_model("my_run").name
        ('violin', 'my_run')
    """
    text = os.fspath(argument)
    if text.startswith(PREFIX):
        return instrument(text.removeprefix(PREFIX))
    return Path(text)

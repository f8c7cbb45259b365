"""Features in files: what a user plots, edits, and feeds to an exported model."""

import csv
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ddsp_tf.errors import UserError
from ddsp_tf.features.resampling import resample_curves
from ddsp_tf.files.atomic import atomic_path

REQUIRED = ("f0_hz", "loudness_db")
OPTIONAL = ("f0_confidence", "power_db")
SUFFIXES = (".npz", ".csv", ".json")


def save_features(
    path: str | os.PathLike,
    features: dict[str, np.ndarray],
    frame_rate: float,
    pitch_tracker: dict[str, Any] | None = None,
) -> None:
    """Writes a feature file.

    Args:
        path: Ends in `.npz` (arrays, and `frame_rate`), `.json` (an object of lists, and
            `frame_rate`) or `.csv` (a header; the first column is the time in seconds, frame k at
            k / frame_rate).
        features: `f0_hz` and `loudness_db`, optionally `f0_confidence` and `power_db`; each
            [frames].
        frame_rate: Frames a second.
        pitch_tracker: `PitchTracker.describe()` of what measured f0; not kept in `.csv`.

    Raises:
        UserError: If the features are not valid or the file cannot be written.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "tone.csv"
        >>> save_features(path, {"f0_hz": np.full(2, 440.0), "loudness_db": np.zeros(2)}, 250)
        >>> path.read_text().splitlines()
        ['time_s,f0_hz,loudness_db', '0,440,0', '0.004,440,0']
    """
    path = Path(path)
    _check_suffix(path)
    features = _checked(path, features, frame_rate)
    with atomic_path(path) as temporary:
        if path.suffix.lower() == ".npz":
            described: dict = {"frame_rate": np.float64(frame_rate)}
            if pitch_tracker is not None:
                described["pitch_tracker"] = np.array(json.dumps(pitch_tracker))
            with open(temporary, "wb") as file:
                np.savez_compressed(file, **(described | features))
            return
        frames = features["f0_hz"].size
        if path.suffix.lower() == ".json":
            _write_json(temporary, features, frame_rate, pitch_tracker)
            return
        with open(temporary, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["time_s", *features])
            for k, row in zip(range(frames), zip(*features.values(), strict=True), strict=True):
                # Nine digits bring every float32 back unchanged.
                writer.writerow([f"{k / frame_rate:.12g}", *(f"{value:.9g}" for value in row)])


def _write_json(path, features, frame_rate, pitch_tracker) -> None:
    content: dict[str, Any] = {"frame_rate": float(frame_rate)}
    if pitch_tracker is not None:
        content["pitch_tracker"] = pitch_tracker
    content |= {key: [float(f"{value:.9g}") for value in curve] for key, curve in features.items()}
    Path(path).write_text(json.dumps(content) + "\n", encoding="utf-8")


def load_features(
    path: str | os.PathLike, frame_rate: float | None = None
) -> tuple[dict[str, np.ndarray], float]:
    """Reads a feature file.

    Args:
        path: A `.npz`, `.json` or `.csv` as `save_features` writes them. A CSV may have more
            columns, which are ignored; its frame rate comes from the times in its first column,
            so it needs two rows.
        frame_rate: Frames a second to bring the curves to, by `resample_curves`; None for the
            file's own. With it, the rows of a CSV may be breakpoints at any increasing times.

    Returns:
        The features, float32 [frames] each, and the frames a second.

    Raises:
        UserError: If the file is missing, is not a feature file, or holds invalid values.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "tone.npz"
        >>> save_features(path, {"f0_hz": np.full(2, 440.0), "loudness_db": np.zeros(2)}, 250)
        >>> features, frame_rate = load_features(path)
        >>> features["f0_hz"].tolist(), frame_rate
        ([440.0, 440.0], 250.0)
    """
    path = Path(path)
    _check_suffix(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file; expected a feature file (.npz, .csv or .json)")
    if path.suffix.lower() == ".csv":
        arrays, times = _read_csv(path)
        own_rate = _rate_of(path, times, evenly=frame_rate is None)
    else:
        arrays, own_rate = (_read_npz if path.suffix.lower() == ".npz" else _read_json)(path)
        times = None
    curves = _checked(path, arrays, own_rate)
    if frame_rate is None:
        return curves, own_rate
    if times is None or _are_even(times):
        if frame_rate == own_rate:
            return curves, own_rate
        times = np.arange(curves["f0_hz"].size) / own_rate
    return resample_curves(times, curves, frame_rate), float(frame_rate)


def load_tracker(path: str | os.PathLike) -> dict[str, Any] | None:
    """Reads which pitch tracker a feature file comes from.

    Args:
        path: A feature file that `load_features` can read.

    Returns:
        `PitchTracker.describe()` of it, or None if the file does not say.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "tone.npz"
        >>> curves = {"f0_hz": np.full(2, 440.0), "loudness_db": np.zeros(2)}
        >>> save_features(path, curves, 250, pitch_tracker={"name": "yin"})
        >>> load_tracker(path)
        {'name': 'yin'}
    """
    path = Path(path)
    if path.suffix.lower() == ".json":
        try:
            described = json.loads(path.read_text(encoding="utf-8")).get("pitch_tracker")
        except (OSError, ValueError, AttributeError):
            return None
        return described if isinstance(described, dict) else None
    if path.suffix.lower() != ".npz":
        return None
    try:
        with np.load(path, allow_pickle=False) as arrays:
            described = json.loads(str(arrays["pitch_tracker"]))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return None
    return described if isinstance(described, dict) else None


def _check_suffix(path: Path) -> None:
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f"{path}: found the suffix {path.suffix!r}; expected .npz, .csv or .json")


def _checked(
    path: Path, features: dict[str, np.ndarray], frame_rate: float
) -> dict[str, np.ndarray]:
    """Gives the known features as float32 [frames], or says what is wrong with them."""
    if not (np.isfinite(frame_rate) and frame_rate > 0):
        raise UserError(f"{path}: frame_rate is {frame_rate}; expected frames a second, above 0")
    for key in REQUIRED:
        if key not in features:
            raise UserError(
                f"{path}: lacks {key}; found {', '.join(features) or 'nothing'}; a feature file "
                f"needs {' and '.join(REQUIRED)}"
            )
    checked: dict[str, np.ndarray] = {}
    for key in (*REQUIRED, *OPTIONAL):
        if key not in features:
            continue
        try:
            values = np.asarray(features[key], np.float32)
        except (TypeError, ValueError) as error:
            raise UserError(f"{path}: {key} is not numbers; expected float32 [frames]") from error
        _check_values(path, key, values)
        if checked and values.size != checked["f0_hz"].size:
            raise UserError(
                f"{path}: {key} has {values.size} frames but f0_hz has "
                f"{checked['f0_hz'].size}; expected as many"
            )
        checked[key] = values
    return checked


def _check_values(path: Path, key: str, values: np.ndarray) -> None:
    """Checks one feature by itself."""
    if values.ndim != 1:
        raise UserError(f"{path}: {key} has the shape {values.shape}; expected [frames]")
    if values.size == 0:
        raise UserError(f"{path}: {key} has no frames; expected at least one")
    if not np.isfinite(values).all():
        frame = int(np.argmin(np.isfinite(values)))
        raise UserError(f"{path}: {key} is {values[frame]} at frame {frame}; expected a number")
    if key == "f0_hz" and values.min() < 0:
        raise UserError(f"{path}: f0_hz goes down to {values.min():g}; expected 0 Hz or more")
    if key == "f0_confidence" and not 0 <= values.min() <= values.max() <= 1:
        raise UserError(
            f"{path}: f0_confidence spans {values.min():g} to {values.max():g}; expected 0 to 1"
        )


def _read_npz(path: Path) -> tuple[dict[str, np.ndarray], float]:
    try:
        with open(path, "rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if not isinstance(loaded, np.lib.npyio.NpzFile):
                raise ValueError("a single array")
            arrays = {key: loaded[key] for key in loaded.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: not a feature file ({error}); expected an .npz") from error
    if "frame_rate" not in arrays:
        raise UserError(f"{path}: lacks frame_rate; expected the frames a second under this key")
    rate = arrays.pop("frame_rate")
    if rate.size != 1 or not np.issubdtype(rate.dtype, np.number):
        raise UserError(f"{path}: frame_rate is {rate}; expected one number")
    return arrays, float(rate.reshape(()))


def _read_json(path: Path) -> tuple[dict[str, np.ndarray], float]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: not a feature file ({error}); expected JSON") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: found a {type(content).__name__}; expected an object of lists")
    rate = content.get("frame_rate")
    if isinstance(rate, bool) or not isinstance(rate, int | float):
        raise UserError(f"{path}: frame_rate is {rate!r}; expected the frames a second")
    return {key: content[key] for key in (*REQUIRED, *OPTIONAL) if key in content}, float(rate)


def _read_csv(path: Path) -> tuple[dict[str, np.ndarray], np.ndarray]:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: not a feature file ({error}); expected CSV text") from error
    header = [name.strip() for name in rows[0]] if rows else []
    if not header or not header[0].lower().startswith("time"):
        raise UserError(
            f"{path}: the first column is {header[0] if header else 'missing'!r}; expected a "
            "header whose first column is time_s"
        )
    columns: list[list[float]] = [[] for _ in header]
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise UserError(f"{path}: row {number} has {len(row)} of {len(header)} columns")
        for name, column, cell in zip(header, columns, row, strict=True):
            if column is columns[0] or name in REQUIRED or name in OPTIONAL:
                column.append(_number(path, number, name, cell))
    arrays = dict(zip(header[1:], map(np.array, columns[1:]), strict=True))
    return arrays, np.array(columns[0])


def _number(path: Path, row: int, name: str, cell: str) -> float:
    try:
        return float(cell)
    except ValueError as error:
        raise UserError(f"{path}: row {row}, {name} is {cell!r}; expected a number") from error


def _rate_of(path: Path, times: np.ndarray, evenly: bool) -> float:
    """Gives the frame rate of times; of uneven ones the mean; rounding in the text is forgiven."""
    if times.size < 2:
        raise UserError(f"{path}: found {times.size} frames; a CSV needs two to tell its rate")
    if evenly and not _are_even(times):
        raise UserError(f"{path}: the times are not evenly spaced and increasing")
    if not np.all(np.diff(times) > 0):
        raise UserError(f"{path}: the times do not increase from row to row")
    rate = (times.size - 1) / (times[-1] - times[0])
    return float(round(rate)) if abs(rate - round(rate)) < 1e-3 * rate else rate


def _are_even(times: np.ndarray) -> bool:
    step = (times[-1] - times[0]) / (times.size - 1)
    uneven = np.abs(times - times[0] - step * np.arange(times.size))
    # Not "> 0.25": a NaN among the times must fail too.
    return bool(step > 0 and np.max(uneven) < 0.25 * step)

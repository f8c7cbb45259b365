"""Feature files, which users plot, edit and play."""

import csv
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from ddsp_tf.errors import UserError
from ddsp_tf.features.loudness import FLOOR_DB
from ddsp_tf.features.resampling import resample_curves
from ddsp_tf.files.atomic import atomic_path
from ddsp_tf.files.names import check_is_file, check_suffix
from ddsp_tf.inference.feature_arrays import read_arrays
from ddsp_tf.inference.feature_tables import are_even, rate_of, read_table

REQUIRED = ("f0_hz", "loudness_db")
OPTIONAL = ("f0_confidence", "power_db")
SUFFIXES = (".npz", ".csv", ".json")
_NAMES = (*REQUIRED, *OPTIONAL)
_LARGEST_RATE = 1e5
_LARGEST_JSON = 1 << 28
# Longest duration of a file with few rows: hand-drawn breakpoints are far apart.
_SECONDS, _SECONDS_PER_ROW = 3600.0, 10.0


def save_features(
    path: str | os.PathLike,
    features: dict[str, np.ndarray],
    frame_rate: float,
    pitch_tracker: dict[str, Any] | None = None,
) -> None:
    """Writes a feature file.

    Args:
        path: File to write; ends in `.npz` (arrays, and `frame_rate`), `.json` (an object of
            lists, and `frame_rate`) or `.csv` (a header; the first column is the time in seconds,
            frame k at k / frame_rate).
        features: Dictionary of [frames] arrays: `f0_hz` and `loudness_db`, optionally
            `f0_confidence` and `power_db`.
        frame_rate: Frames per second.
        pitch_tracker: Tracker of f0, its `PitchTracker.describe()`; not stored in `.csv`.

    Raises:
        UserError: If the features are not valid or the file cannot be written.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "tone.csv"
        >>> save_features(path, {"f0_hz": np.full(2, 440.0), "loudness_db": np.zeros(2)}, 250)
        >>> path.read_text().splitlines()
        ['time_s,f0_hz,loudness_db', '0,440,0', '0.004,440,0']
    """
    path = check_suffix(path, SUFFIXES)
    features = _checked(path, features, frame_rate)
    for name, values in features.items():
        if not np.isfinite(values).all():
            frame = int(np.argmin(np.isfinite(values)))
            raise UserError(f"{path}: {name} is {values[frame]} at frame {frame}; expected numbers")
    with atomic_path(path) as temporary:
        if path.suffix.lower() == ".npz":
            described: dict = {"frame_rate": np.float64(frame_rate)}
            if pitch_tracker is not None:
                described["pitch_tracker"] = np.array(json.dumps(pitch_tracker))
            with open(temporary, "wb") as file:
                np.savez_compressed(file, **(described | features))
        elif path.suffix.lower() == ".json":
            _write_json(temporary, features, frame_rate, pitch_tracker)
        else:
            _write_csv(temporary, features, frame_rate)


def _write_json(path, features, frame_rate, pitch_tracker) -> None:
    content: dict[str, Any] = {"frame_rate": float(frame_rate)}
    if pitch_tracker is not None:
        content["pitch_tracker"] = pitch_tracker
    content |= {key: [float(f"{value:.9g}") for value in curve] for key, curve in features.items()}
    Path(path).write_text(json.dumps(content) + "\n", encoding="utf-8")


def _write_csv(path, features, frame_rate) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["time_s", *features])
        for k, row in enumerate(zip(*features.values(), strict=True)):
            # Nine digits restore every float32 exactly.
            writer.writerow([f"{k / frame_rate:.12g}", *(f"{value:.9g}" for value in row)])


def load_features(
    path: str | os.PathLike, frame_rate: float | None = None
) -> tuple[dict[str, np.ndarray], float]:
    """Reads a feature file.

    A frame has no pitch if f0_hz is NaN, empty, negative or 0, and is silent if a level is NaN,
    infinite or empty.

    Args:
        path: `.npz`, `.json` or `.csv` file as `save_features` writes it, or a table of another
            program as `read_table` reads it. Other columns are ignored. The frame rate of a CSV
            follows from its times, so it needs at least two rows.
        frame_rate: Frames per second to resample the curves to, by `resample_curves`; None for the
            file's own rate. If given, the rows of a CSV may be breakpoints at any increasing times.

    Returns:
        Tuple of the features, float32 [frames] each, and the frames per second.

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
    path = check_suffix(path, SUFFIXES)
    if frame_rate is not None:
        _check_rate(path, frame_rate)
    check_is_file(path, "a feature file (.npz, .csv or .json)")
    times = None
    if path.suffix.lower() == ".csv":
        arrays, times = read_table(path, _NAMES)
        own_rate = rate_of(path, times, evenly=frame_rate is None)
    else:
        arrays, own_rate = (_read_npz if path.suffix.lower() == ".npz" else _read_json)(path)
    curves = _without_gaps(_checked(path, arrays, own_rate))
    if frame_rate is None:
        return curves, own_rate
    if times is None or are_even(times):
        if frame_rate == own_rate:
            return curves, own_rate
        times = np.arange(curves["f0_hz"].size) / own_rate
    _check_duration(path, times)
    return resample_curves(times, curves, frame_rate), float(frame_rate)


def _check_duration(path: Path, times: np.ndarray) -> None:
    """Refuses durations that would take too much memory."""
    seconds, longest = times[-1] - times[0], _SECONDS + _SECONDS_PER_ROW * times.size
    if seconds > longest:
        raise UserError(
            f"{path}: {times.size} rows last {seconds:g} s; expected at most {longest:g} s (times "
            "in milliseconds belong in a column time_ms)"
        )


def load_tracker(path: str | os.PathLike) -> dict[str, Any] | None:
    """Reads the description of a feature file's pitch tracker.

    Args:
        path: Feature file that `load_features` can read.

    Returns:
        Its `PitchTracker.describe()`, or None if the file does not contain it.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "tone.npz"
        >>> curves = {"f0_hz": np.full(2, 440.0), "loudness_db": np.zeros(2)}
        >>> save_features(path, curves, 250, pitch_tracker={"name": "yin"})
        >>> load_tracker(path)
        {'name': 'yin'}
    """
    path = Path(path)
    try:
        if path.suffix.lower() == ".json":
            described = json.loads(path.read_text(encoding="utf-8-sig")).get("pitch_tracker")
        elif path.suffix.lower() == ".npz":
            described = json.loads(str(read_arrays(path, ["pitch_tracker"])["pitch_tracker"]))
        else:
            return None
    except (OSError, KeyError, ValueError, AttributeError, RecursionError, UserError):
        return None
    return described if isinstance(described, dict) else None


def _check_rate(path: Path, frame_rate: Any) -> None:
    number = isinstance(frame_rate, (int, float, np.number))
    if not number or not 0 < frame_rate <= _LARGEST_RATE:
        raise UserError(f"{path}: frame_rate is {frame_rate!r}; expected frames a second, above 0")


def _checked(
    path: Path, features: dict[str, np.ndarray], frame_rate: float
) -> dict[str, np.ndarray]:
    """Returns the known features as float32 [frames], checked."""
    _check_rate(path, frame_rate)
    for key in REQUIRED:
        if key not in features:
            raise UserError(
                f"{path}: lacks {key}; found {', '.join(features) or 'no feature'}; a feature file "
                f"needs {' and '.join(REQUIRED)}"
            )
    checked: dict[str, np.ndarray] = {}
    for key in _NAMES:
        if key not in features:
            continue
        try:
            if np.iscomplexobj(features[key]):
                raise TypeError("complex numbers")
            with np.errstate(over="ignore"):
                values = np.asarray(features[key], np.float32)
        except (TypeError, ValueError, OverflowError) as error:
            raise UserError(f"{path}: {key} is not numbers; expected float32 [frames]") from error
        if values.ndim != 1:
            raise UserError(f"{path}: {key} has the shape {values.shape}; expected [frames]")
        if values.size == 0:
            raise UserError(f"{path}: {key} has no frames; expected at least one")
        if checked and values.size != checked["f0_hz"].size:
            raise UserError(
                f"{path}: {key} has {values.size} frames but f0_hz has "
                f"{checked['f0_hz'].size}; expected as many"
            )
        if key == "f0_confidence" and ((values < 0) | (values > 1)).any():
            raise UserError(
                f"{path}: f0_confidence spans {np.nanmin(values):g} to {np.nanmax(values):g}; "
                "expected 0 to 1"
            )
        checked[key] = values
    return checked


def _without_gaps(curves: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Replaces NaN and infinity by what they mean: no pitch, no confidence, silence."""
    filled = {}
    for name, values in curves.items():
        empty = np.float32(FLOOR_DB if name.endswith("_db") else 0.0)
        filled[name] = np.where(np.isfinite(values), values, empty)
    filled["f0_hz"] = np.maximum(filled["f0_hz"], np.float32(0.0))
    return filled


def _read_npz(path: Path) -> tuple[dict[str, np.ndarray], float]:
    arrays = read_arrays(path, ("frame_rate", *_NAMES))
    if "frame_rate" not in arrays:
        raise UserError(f"{path}: lacks frame_rate; expected the frames a second under this key")
    rate = arrays.pop("frame_rate")
    if rate.size != 1 or rate.dtype.kind not in "fiu":
        raise UserError(f"{path}: frame_rate is {str(rate)[:40]}; expected one number")
    return arrays, float(rate.reshape(()))


def _read_json(path: Path) -> tuple[dict[str, np.ndarray], float]:
    try:
        if path.stat().st_size > _LARGEST_JSON:
            raise ValueError(f"{path.stat().st_size} bytes")
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: not a feature file ({error}); expected JSON") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: found a {type(content).__name__}; expected an object of lists")
    rate = content.get("frame_rate")
    if isinstance(rate, bool) or not isinstance(rate, int | float) or abs(rate) > _LARGEST_RATE:
        raise UserError(f"{path}: frame_rate is {str(rate)[:40]}; expected the frames a second")
    return {key: content[key] for key in _NAMES if key in content}, float(rate)

"""Conversion of models to instruments of the live page."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ddsp_tf.app.pages.live_page import LiveInstrument, write_live_page
from ddsp_tf.app.project import instrument_of, player_of
from ddsp_tf.errors import UserError
from ddsp_tf.files.atomic import temporary_folder
from ddsp_tf.inference.bundled import PREFIX, resolve_model
from ddsp_tf.typing import Mixture

LEVELS = ("loudness_db", "power_db")
# Default ranges, in MIDI numbers and decibels, for models without training statistics.
_PITCHES = (48.0, 84.0)
_LEVEL_RANGES = {"loudness_db": (-40.0, 0.0), "power_db": (-60.0, -15.0)}


def live_instruments(
    argument: str | os.PathLike, instrument: Mixture = None
) -> list[LiveInstrument]:
    """Makes an instrument for the live page, or all instruments of a run with several.

    Args:
        argument: Run, `.keras` file, exported model, folder that `ddsp-tf run` wrote, or
            "bundled:violin". The files of an export are used unchanged; other models are converted,
            which takes some seconds each.
        instrument: Instrument to take, for a model with several: a name, or shares by name for a
            mixture. None for all.

    Returns:
        Instruments, with the names of the model's file or folder, or those in the model.

    Raises:
        UserError: If there is no such model or instrument, or it cannot be played live.

    Example:
        >>> live_instruments("bundled:violin")[0].facts["frameRate"]  # doctest: +SKIP
        100
    """
    path = player_of(resolve_model(argument))
    if (path / "model.json").is_file():
        if instrument is not None:
            raise UserError(f"{path}: is an export; name its run to take one of its instruments")
        return [instrument_of_export(path, _name(argument))]
    from ddsp_tf.files.run_directory import RunDirectory
    from ddsp_tf.inference.model_files import load_model

    path, mixture = instrument_of(path, instrument)
    run = RunDirectory(path if path.is_dir() else path.parent)
    record = run.read() if run.record.exists() else {}
    if run.expression.is_file():
        record["expression"] = run.expression
    if instrument is None and path.is_dir() and record.get("instruments"):
        names = dict.fromkeys(record["instruments"])
        return [one for name in names for one in live_instruments(path, name)]
    model = load_model(path, mixture)
    model.build()
    name = instrument if isinstance(instrument, str) else _name(argument)
    return [instrument_of_model(model, record, name)]


def instrument_of_export(folder: Path, name: str) -> LiveInstrument:
    """Takes an instrument from an exported model.

    Args:
        folder: Export.
        name: Name of the instrument.

    Returns:
        Instrument; its room, if it has one, is part of its sound.

    Raises:
        UserError: If the export is damaged, or cannot be played live.
    """
    from ddsp_tf.files.export_description import check_file, read_description

    export = read_description(folder)
    if export.instruments:
        raise UserError(
            f"{folder}: plays {', '.join(export.instruments)}; a live page plays one instrument of "
            "an export: name the run, or export one with --instrument"
        )
    facts = {
        **_facts(export, export.features, export.latency_samples, export.feature_ranges, folder),
        "name": name,
        "meanZ": export.mean_z,
        "hasRoom": False,
        "earLatency": (export.listen or {}).get("latency_samples", 0),
    }
    names = ("stream.tflite", "stream_float16.tflite", "stream_int8.tflite")
    found = {
        file: check_file(folder, export, file).read_bytes()
        for file in (*names, "listen.tflite", "expression.tflite")
        if file in export.files
    }
    streams = [found[file] for file in names if file in found]
    if not streams:
        raise UserError(f"{folder}: has no stream.tflite, which a live page plays; name the run")
    return LiveInstrument(
        facts, streams, found.get("listen.tflite"), found.get("expression.tflite")
    )


def instrument_of_model(model: Any, record: Mapping[str, Any], name: str) -> LiveInstrument:
    """Converts a model to an instrument.

    Args:
        model: `Autoencoder`, built.
        record: Record of its run, with "extractor", "feature_statistics" and "expression", the path
            of the player's expression, if known.
        name: Name of the instrument.

    Returns:
        Instrument.

    Raises:
        UserError: If the model cannot be played live.
    """
    from ddsp_tf.export import listening
    from ddsp_tf.export.compression import compressed, matrices_of
    from ddsp_tf.export.live_stream import dry_stem, live_stream

    facts = {
        **_facts(model, model.feature_names, model.latency, record.get("feature_statistics"), name),
        "name": name,
        "meanZ": model.mean_z.numpy().tolist() if model.z_dims else None,
        "hasRoom": dry_stem(model) is not None,
        "earLatency": 0,
    }
    exact = live_stream(model)
    matrices = matrices_of(model.decoder)
    smaller = (compressed(exact, matrices, precision) for precision in ("float16", "int8"))
    streams = [exact, *smaller]
    expression = _expression(record.get("expression"))
    if listening.listening_obstacle(model) is not None:
        return LiveInstrument(facts, streams, None, expression)
    live = listening.live_features(model, record.get("extractor"))
    facts["earLatency"] = listening.description(live)["latency_samples"]
    with temporary_folder() as folder:
        ear = (folder / listening.write_listening(live, folder)).read_bytes()
    return LiveInstrument(facts, streams, ear, expression)


def _expression(source: Path | None) -> bytes | None:
    """Converts a player's expression."""
    if source is None:
        return None
    from ddsp_tf.export import expression_litert

    with temporary_folder() as folder:
        if expression_litert.write_expression(source, folder) is None:
            return None
        return (folder / expression_litert.FILE).read_bytes()


def page_addition(argument: str | os.PathLike, single_file: bool) -> Callable[..., None]:
    """Returns the function with which `export_model` adds a page to an export.

    Args:
        argument: Run that is exported; it determines the instrument's name.
        single_file: Whether the page is `page.html` rather than a folder `page/`.

    Returns:
        Function of the model, the export's folder and the run's record.
    """

    def write(model: Any, folder: Path, record: Mapping[str, Any]) -> None:
        if model.instruments:
            instruments = live_instruments(argument)
        else:
            instruments = [instrument_of_model(model, record, _name(argument))]
        write_live_page(folder / ("page.html" if single_file else "page"), instruments, single_file)

    return write


def _facts(
    rates: Any, features: Sequence[str], latency: int, statistics: Mapping | None, where: Any
) -> dict[str, Any]:
    if rates.instruments:
        raise UserError(
            f"{where}: plays {', '.join(rates.instruments)}; a live page plays one instrument of a "
            "model: choose it with --instrument"
        )
    level = next((name for name in LEVELS if name in features), "")
    if set(features) != {"f0_hz", level}:
        raise UserError(
            f"{where}: plays {', '.join(features)}; expected f0_hz and loudness_db or power_db, "
            "which are what a live page can measure"
        )
    statistics = statistics or {}
    return {
        "sampleRate": rates.sample_rate,
        "frameRate": rates.frame_rate,
        "hop": rates.hop,
        "latency": latency,
        "level": level,
        "pitchRange": _range(statistics.get("f0_midi"), _PITCHES),
        "levelRange": _range(statistics.get(level), _LEVEL_RANGES[level]),
        "loudnessOffset": _offset(statistics.get(level), statistics.get("loudness_db")),
    }


def _offset(level: Mapping | None, loudness: Mapping | None) -> float:
    """Returns the mean difference of a level and the loudness in dB."""
    ours, theirs = ((numbers or {}).get("mean") for numbers in (level, loudness))
    return 0.0 if ours is None or theirs is None else ours - theirs


def _range(numbers: Mapping | None, otherwise: tuple[float, float]) -> list[float]:
    """Returns the range that contains 90 % of the training data."""
    if not numbers or numbers.get("p5") is None:
        return list(otherwise)
    return [numbers["p5"], numbers["p95"]]


def _name(argument: str | os.PathLike) -> str:
    """Names an instrument: "violin" for bundled:violin, violin/run, violin/export, violin.keras."""
    text = os.fspath(argument)
    if text.startswith(PREFIX):
        return text.removeprefix(PREFIX)
    path = Path(os.path.abspath(text))
    if path.name in ("run", "export", "best.keras") and path.parent.name:
        path = path.parent
        if path.name in ("run", "export") and path.parent.name:
            path = path.parent
    return path.stem if path.suffix == ".keras" else path.name

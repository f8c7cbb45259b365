"""Writes a page about the bundled models: measures, licences, limits, and a clip of each.

    python benchmarks/bundled/model_cards.py RECORDINGS

RECORDINGS has a folder per instrument with `train/` and `val/`, as for `make_instruments.py`. Each
model is measured on `val/`, which it was not trained on, and plays the theme of
docs/examples/song.py.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

import ddsp_tf
from ddsp_tf.app.cli.instruments_command import trained_range
from ddsp_tf.configuration.experiment import load_extractor
from ddsp_tf.data.preparation import prepare_dataset
from ddsp_tf.evaluation.evaluator import evaluate_run
from ddsp_tf.expression.parts import Part
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.inference.bundled.credits import CREDITS
from ddsp_tf.inference.songs import Manner

sys.path.insert(0, str(Path(__file__).parents[1] / "instruments"))
sys.path.insert(0, str(Path(__file__).parents[2] / "docs" / "examples"))
from make_instruments import NAMES
from sets import find_sets
from song import notes_of

DOCS = Path(__file__).parents[2] / "docs"

MEASURES = {
    "spectral_loss": "{:.2f}",
    "loudness_l1_db": "{:.2f} dB",
    "f0_l1_semitones": "{:.3f} semitones",
    "f0_outlier_share": "{:.2%}",
    "cepstral_distance_db": "{:.1f} dB",
    "attack_error_ms": "{:.0f} ms",
}
LIMITS = {
    "alto_sax": "Long, straight notes: no vibrato, no growl; releases are fades.",
    "cello": "Bowed only; attacks are cut tight, and sustained notes end in a fade.",
    "double_bass": "Bowed only. On the lowest string, its 60 harmonics end at 2.5 kHz.",
    "flute": "Less than two minutes of training; of these seven, the farthest from its recordings.",
    "trumpet": "Trained on ten pitches only; the ones between are interpolated. No mutes.",
    "tuba": "Short and long notes without vibrato.",
    "violin": "Trained on 13 pitches, soft and loud from different recordings; hardly any vibrato.",
}
HEAD = (Path(__file__).parent / "model_cards_head.txt").read_text(encoding="utf-8")


def main() -> None:
    """Measures all models and writes the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("recordings", type=Path)
    parser.add_argument("--out", type=Path, default=DOCS)
    arguments = parser.parse_args()
    sets = {NAMES.get(one.name, one.name): one for one in find_sets(arguments.recordings)}
    cards = []
    for name in sorted(sets):
        clip = Path("clips") / f"{name}.flac"
        play_theme(name, arguments.out / clip)
        cards.append(card(name, measure(name, sets[name] / "val"), clip))
        print(name, flush=True)
    (arguments.out / "instruments.md").write_text("\n".join([HEAD, *cards]), encoding="utf-8")


def measure(name: str, recordings: Path) -> dict[str, float]:
    """Measures a model on recordings."""
    with tempfile.TemporaryDirectory() as work:
        dataset = Path(work) / "dataset"
        prepare_dataset([recordings], dataset, extractor=load_extractor("ensemble"))
        # An evaluation is written to the run.
        run = RunDirectory(Path(work) / "ensemble")
        shutil.copytree(ddsp_tf.instrument("ensemble"), run.path)
        return evaluate_run(run.instrument(name), dataset, split="all").record.summary


def play_theme(name: str, file: Path) -> None:
    """Plays the theme with the expression of the recordings."""
    folder = ddsp_tf.instrument(name)
    player, _ = ddsp_tf.load_player(folder)
    curves = ddsp_tf.song_curves(
        Part("", tuple(notes_of("violin", bars=4))),
        player,
        ddsp_tf.load_ranges(folder),
        Manner(octaves=True),
        ddsp_tf.load_expression(folder),
        on_warning=print,
    )
    audio = np.concatenate(list(ddsp_tf.synthesize(player, curves)))
    # As trained, some of them are 20 dB softer than others.
    soundfile.write(file, 0.5 * audio / np.abs(audio).max(), player.sample_rate)


def card(name: str, measured: dict[str, float], clip: Path) -> str:
    """Writes the card of a model."""
    from ddsp_tf.evaluation.wording import wording

    given, record = CREDITS[name], RunDirectory(ddsp_tf.instrument(name)).read()
    minutes = record["feature_statistics"]["minutes"]["train"]
    rows = [
        ("range", trained_range(name)),
        ("recordings", f"{given.recordings}; {minutes:.1f} minutes"),
        ("made by", given.makers),
        ("licence", given.licence),
        *(
            (wording(key).label.lower(), text.format(measured[key]).replace("%", " %"))
            for key, text in MEASURES.items()
        ),
        ("limits", LIMITS[name]),
        ("clip", f"[{clip.name}]({clip.as_posix()})"),
    ]
    table = "\n".join(f"| {key} | {value} |" for key, value in rows)
    return f"## bundled:{name}\n\n| | |\n| --- | --- |\n{table}\n"


if __name__ == "__main__":
    main()

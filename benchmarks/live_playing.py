"""Plays recordings through a model, with pitch and loudness measured offline and live.

    python benchmarks/live_playing.py bundled:demo_violin violin/val

Both renders are measured by the model's extractor and compared with its features of the recordings,
by the measures of `ddsp-tf evaluate`. Live curves are first moved back by their latency. They are
also compared themselves, since the extractor may mishear a render where its pitch jumps.
"""

from pathlib import Path

import click
import numpy as np
from pitch_trackers import table

from ddsp_tf.audio.reading import read_audio
from ddsp_tf.features.pitch import VOICED_CONFIDENCE
from ddsp_tf.inference.bundled import resolve_model
from ddsp_tf.inference.listener import Listener
from ddsp_tf.inference.playing import load_player
from ddsp_tf.inference.rendering import synthesize
from ddsp_tf.metrics.distances import f0_l1_semitones, f0_outlier_share, loudness_l1_db


def errors(parts: list[tuple[dict, dict]]) -> dict[str, float]:
    """Measures of `ddsp-tf evaluate`, over all frames of pairs of target and rendering."""
    ends = [min(len(target["f0_hz"]), len(rendered["f0_hz"])) for target, rendered in parts]

    def joined(which, name):
        return np.concatenate(
            [part[which][name][:end] for part, end in zip(parts, ends, strict=True)]
        )

    voiced = joined(1, "f0_confidence") >= VOICED_CONFIDENCE
    target_hz, rendered_hz = joined(0, "f0_hz"), np.where(voiced, joined(1, "f0_hz"), 0.0)
    pitch = (target_hz, rendered_hz, joined(0, "f0_confidence"))
    semitones = 12.0 * np.abs(np.log2(np.maximum(rendered_hz, 1e-3) / np.maximum(target_hz, 1e-3)))
    inlier_hz = np.where(semitones <= 0.5, rendered_hz, 0.0)
    return {
        "loudness, dB": loudness_l1_db(joined(0, "loudness_db"), joined(1, "loudness_db")),
        "pitch, semitones": f0_l1_semitones(*pitch),
        "outliers": f0_outlier_share(*pitch),
        "pitch without outliers": f0_l1_semitones(target_hz, inlier_hz, pitch[2]),
    }


@click.command()
@click.argument("model")
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
def main(model: str, folder: Path):
    """Print the errors of both renders, and of the live curves themselves."""
    player, extractor = load_player(resolve_model(model))
    listener = Listener(extractor)
    late = listener.latency // listener.hop - 1
    names = ("as recorded", "live", "live, before rendering")
    found: dict[str, list[tuple[dict, dict]]] = {name: [] for name in names}
    for path in sorted(folder.iterdir()):
        audio = read_audio(path, extractor.sample_rate)
        target = extractor.extract(audio)
        listener.reset()
        silence = np.zeros(late * listener.hop, np.float32)
        live = listener.listen(np.concatenate([audio, silence]))
        curves = {"as recorded": target, "live": {name: c[late:] for name, c in live.items()}}
        for name, played in curves.items():
            render = np.concatenate(list(synthesize(player, played)))
            found[name].append((target, extractor.extract(render)))
        played = curves["live"]
        # Pitch is played whatever its confidence.
        played["f0_confidence"] = np.ones_like(played["f0_hz"])
        found[names[-1]].append((target, played))
    measured = {name: errors(parts) for name, parts in found.items()}
    rows = [[name, *(f"{value:.5f}" for value in m.values())] for name, m in measured.items()]
    click.echo(table(["curves", *measured["live"]], rows))


if __name__ == "__main__":
    main()

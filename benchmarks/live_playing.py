"""Plays recordings through a model, with pitch and loudness measured offline and live.

    python benchmarks/live_playing.py bundled:demo_violin violin/val

Both renders are measured by the model's extractor and compared with its features of the
recordings, in frames with a certain pitch. Live curves are first moved back by their latency.
"""

from pathlib import Path

import click
import numpy as np
from pitch_trackers import table

from ddsp_tf.audio.reading import read_audio
from ddsp_tf.inference.bundled import resolve_model
from ddsp_tf.inference.listener import Listener
from ddsp_tf.inference.playing import load_player
from ddsp_tf.inference.rendering import synthesize


def errors(target: dict, rendered: dict) -> dict[str, np.ndarray]:
    """Differences of loudness in dB and of pitch in semitones, of the frames that count."""
    frames = min(len(target["f0_hz"]), len(rendered["f0_hz"]))
    sure = (target["f0_confidence"] >= 0.85)[:frames]
    octaves = [np.log2(np.maximum(c["f0_hz"][:frames], 1.0)) for c in (rendered, target)]
    semitones = 12.0 * np.abs(octaves[0] - octaves[1])
    loudness = np.abs(rendered["loudness_db"][:frames] - target["loudness_db"][:frames])
    return {
        "loudness, dB": loudness[sure],
        "pitch, semitones": np.minimum(semitones[sure], 1.0),
        "off by half a semitone": semitones[sure] > 0.5,
    }


@click.command()
@click.argument("model")
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
def main(model: str, folder: Path):
    """Print the errors of both renders."""
    player, extractor = load_player(resolve_model(model))
    listener = Listener(extractor)
    late = listener.latency // listener.hop - 1
    found: dict[str, list[dict]] = {"as recorded": [], "live": []}
    for path in sorted(folder.iterdir()):
        audio = read_audio(path, extractor.sample_rate)
        target = extractor.extract(audio)
        listener.reset()
        silence = np.zeros(late * listener.hop, np.float32)
        live = listener.listen(np.concatenate([audio, silence]))
        curves = {"as recorded": target, "live": {name: c[late:] for name, c in live.items()}}
        for name, played in curves.items():
            render = np.concatenate(list(synthesize(player, played)))
            found[name].append(errors(target, extractor.extract(render)))
    rows = []
    for name, parts in found.items():
        means = (np.mean(np.concatenate([part[key] for part in parts])) for key in parts[0])
        rows.append([name, *(f"{mean:.4f}" for mean in means)])
    click.echo(table(["curves", *found["live"][0]], rows))


if __name__ == "__main__":
    main()

"""Makes a picture and sounds of a clip, for the README and results.md: `make pictures`."""

import argparse
import io
from pathlib import Path

import soundfile
from PIL import Image, ImageDraw, ImageFont

from ddsp_tf.data.manifest import load_manifest
from ddsp_tf.evaluation.evaluator import evaluate_model
from ddsp_tf.evaluation.figures import spectrogram_levels_db, spectrogram_png
from ddsp_tf.inference.model_files import load_model

STEMS = ("target", "reconstruction", "harmonic", "noise")


def main():
    """Plays a clip of a dataset: the spectrograms of its stems in a picture, and their sound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a run directory")
    parser.add_argument("dataset", type=Path, help="a dataset that it was not trained on")
    parser.add_argument("picture", type=Path, help="the PNG file")
    parser.add_argument("clips", type=Path, help="the FLAC files, without _target.flac and so on")
    parser.add_argument("--split", default="all", help="of the dataset (default: all)")
    parser.add_argument("--clip", type=int, default=0, help="which clip (default: the first)")
    parser.add_argument(
        "--no-target", action="store_true", help="write no sound of the recording itself"
    )
    arguments = parser.parse_args()
    arguments.clips.parent.mkdir(exist_ok=True)
    model = load_model(arguments.run)
    manifest = load_manifest(arguments.dataset)
    every = 1 << 20
    evaluation = evaluate_model(model, manifest, split=arguments.split, shown_clips=every)
    clip = evaluation.shown[arguments.clip]
    top_db = max(
        float(spectrogram_levels_db(clip.stems[name], model.sample_rate).max()) for name in STEMS
    )
    rows = []
    for name in STEMS:
        if name != "target" or not arguments.no_target:
            path = arguments.clips.with_name(f"{arguments.clips.name}_{name}.flac")
            soundfile.write(path, clip.stems[name], model.sample_rate, subtype="PCM_16")
        png = spectrogram_png(clip.stems[name], model.sample_rate, top_db=top_db)
        row = Image.open(io.BytesIO(png)).convert("RGB")
        font = ImageFont.load_default(size=20)
        ImageDraw.Draw(row).text((100, 18), name, fill="white", font=font)
        rows.append(row)
    picture = Image.new("RGB", (rows[0].width, sum(row.height for row in rows)))
    place = 0
    for row in rows:
        picture.paste(row, (0, place))
        place += row.height
    picture.quantize(128).save(arguments.picture, optimize=True)


if __name__ == "__main__":
    main()

"""Makes the picture in the README and the clips in results.md from `make demo`: `make pictures`."""

import argparse
import io
from pathlib import Path

import soundfile
from PIL import Image, ImageDraw, ImageFont

from ddsp_tf.data.manifest import load_manifest
from ddsp_tf.evaluation.evaluator import evaluate_model
from ddsp_tf.evaluation.figures import spectrogram_levels_db, spectrogram_png
from ddsp_tf.model_files import load_model

STEMS = ("target", "reconstruction", "harmonic", "noise")


def main():
    """Plays the first clip of the unseen phrase: the spectrograms of its stems, and their sound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("demo", type=Path, help="the folder that `make demo` made")
    parser.add_argument("out", type=Path, help="the PNG file")
    parser.add_argument("clips", type=Path, help="the folder of the FLAC files, violin_*.flac")
    arguments = parser.parse_args()
    arguments.clips.mkdir(exist_ok=True)
    model = load_model(arguments.demo / "run")
    manifest = load_manifest(arguments.demo / "test_dataset")
    clip = evaluate_model(model, manifest, split="all").clips[0]
    top_db = max(
        float(spectrogram_levels_db(clip.stems[name], model.sample_rate).max()) for name in STEMS
    )
    rows = []
    for name in STEMS:
        path = arguments.clips / f"violin_{name}.flac"
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
    picture.quantize(128).save(arguments.out, optimize=True)


if __name__ == "__main__":
    main()

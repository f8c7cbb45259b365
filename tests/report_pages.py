"""Pages read as a browser would, and clips for the report."""

from html.parser import HTMLParser

import numpy as np

from ddsp_tf.evaluation.clip_measures import MeasuredClip
from ddsp_tf.evaluation.record import EvaluatedClip, EvaluatedDataset, Evaluation

RATE, FRAME_RATE = 16000, 250
STEMS = ("target", "reconstruction", "harmonic", "noise", "dry")
VOID = {"meta", "link", "img", "input", "br"}


class Page(HTMLParser):
    """Elements [(tag, attributes, text directly inside)] of a page whose tags must balance."""

    def __init__(self, html: str):
        super().__init__()
        self.elements, self.open = [], []
        self.feed(html)
        self.close()
        assert not self.open, f"not closed: {[tag for tag, _, _ in self.open]}"

    def handle_starttag(self, tag, attrs):
        element = (tag, dict(attrs), [])
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1][0] == tag, f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()

    def handle_data(self, data):
        if self.open:
            self.open[-1][2].append(data)

    def all(self, tag, **wanted):
        wanted = {key.rstrip("_"): value for key, value in wanted.items()}
        return [
            (attributes, "".join(text).strip())
            for name, attributes, text in self.elements
            if name == tag and wanted.items() <= attributes.items()
        ]


def noise_stems(rng, names=STEMS, samples=RATE // 4):
    return {key: rng.uniform(-0.9, 0.9, samples).astype(np.float32) for key in names}


def make_clip(rng, name="a.flac 0.0-1.0 s", stems=None, **metrics):
    frames = FRAME_RATE
    if stems is None:
        stems = noise_stems(rng, STEMS[:1])
    curves = {
        "f0_hz": np.full(frames, 440.0),
        "f0_confidence": np.ones(frames),
        "loudness_db": np.full(frames, -20.0),
    }
    metrics = {"spectral_loss": 5.0, "f0_l1_semitones": 0.1, **metrics}
    return MeasuredClip(name, stems, {"target": curves, "reconstruction": curves}, metrics)


def evaluation_of_two() -> Evaluation:
    extractor = {"sample_rate": RATE, "frame_rate": FRAME_RATE}
    dataset = EvaluatedDataset("d", "violin", "f", "train", "training clips", 2, extractor)
    metrics = {"spectral_loss": 5.0, "magnitude_64": 0.5}
    return Evaluation(
        model_sha256="",
        datasets=[dataset],
        clip_seconds=1.0,
        clips=2,
        notes=["No recordings were held out: these are training clips."],
        summary=metrics,
        per_clip=[EvaluatedClip(name, 0, metrics) for name in ("one", "two")],
    )

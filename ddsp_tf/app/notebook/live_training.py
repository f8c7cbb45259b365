"""Plots and sounds of a running training."""

import html
import time
from pathlib import Path

import soundfile

from ddsp_tf.app.notebook.progress import Bar
from ddsp_tf.app.notebook.showing import gain_for, player_html
from ddsp_tf.files.metrics_log import MetricsLog
from ddsp_tf.files.run_directory import RunDirectory

_NAMES = {"target": "the recording", "reconstruction": "the model"}


class LiveTraining:
    """Shows progress, losses and the latest renders below the cell that trains.

    It is a context manager and the callback of `train_run`. The notebook's stop button ends
    training with a checkpoint and the cell without an error: running the cell again resumes
    training, and the cells below use the best model so far.

    Args:
        run: Directory of the run.
        seconds_between: Shortest time between two pictures in seconds.

    Example:
        >>> with LiveTraining(chain.run) as live:  # doctest: +SKIP
        ...     chain.train(live, live.warn)
    """

    def __init__(self, run: RunDirectory, seconds_between: float = 3.0):
        self.run, self.seconds_between = run, seconds_between
        self._texts: dict[str, str] = {}
        self._drawn, self._heard = -float("inf"), None

    def __enter__(self):
        from IPython.display import HTML, display

        self._bar = Bar("training")
        self._picture = display(HTML("The first steps take longest."), display_id=True)
        self._sounds = display(HTML("Sounds will follow."), display_id=True)
        return self

    def __call__(self, step: int, steps: int, numbers: dict):
        """Shows the progress of training; pass it as `on_step`."""
        if "loss" in numbers:
            self._texts["loss"] = f"loss {numbers['loss']:.2f}"
        if "validation_loss" in numbers:
            self._texts["held out"] = f"held out {numbers['validation_loss']:.2f}"
        self._bar.update(step, steps, ", ".join(self._texts.values()))
        if time.monotonic() - self._drawn >= self.seconds_between:
            self._draw()
            self._drawn = time.monotonic()

    def warn(self, text: str):
        """Prints a warning; pass it as `on_warning`."""
        print(f"Warning: {text}")

    def __exit__(self, kind, error, traceback):
        self._draw()
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            print("Stopped. Run this cell again to resume, or the next ones with the best model.")
            return True
        return False

    def _draw(self):
        from IPython.display import HTML, Image

        from ddsp_tf.evaluation.charts import loss_curves_png

        if self.run.metrics.exists():
            log = MetricsLog(self.run.metrics)
            png = loss_curves_png({name: log.column(name) for name in ("loss", "validation_loss")})
            if png:
                self._picture.update(Image(data=png, format="png", width=860))
        folder = latest_render(self.run)
        if folder is not None and folder != self._heard:
            self._sounds.update(HTML(render_html(folder)))
            self._heard = folder


def latest_render(run: RunDirectory) -> Path | None:
    """Returns the folder of the newest render of the first clip, None if there is none."""
    sounds = run.renders.glob("step_*/clip_0/reconstruction.wav")
    return max((path.parent for path in sounds), default=None)


def render_html(folder: Path) -> str:
    """Returns players for the recording and the model's render of it, at comparable levels."""
    sounds = {name: soundfile.read(folder / f"{name}.wav") for name in _NAMES}
    gain = gain_for([audio for audio, _ in sounds.values()])
    step = int(folder.parent.name.removeprefix("step_"))
    players = "".join(
        f"<div style='display: inline-block; margin-right: 1em'>{html.escape(_NAMES[name])}<br>"
        f"{player_html(gain * audio, rate)}</div>"
        for name, (audio, rate) in sounds.items()
    )
    return f"<div><b>Held-out clip, after {step} steps</b></div>{players}"

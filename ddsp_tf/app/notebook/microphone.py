"""Recording in the browser that shows the notebook."""

import base64
import json
import os
from importlib import resources
from pathlib import Path

import numpy as np

from ddsp_tf.app.notebook.runtime import in_colab
from ddsp_tf.audio.writing import write_audio
from ddsp_tf.errors import UserError

_LONGEST_SECONDS = 300.0


def record(path: str | os.PathLike, seconds: float = 10.0) -> Path:
    """Records from the microphone of the computer whose browser shows the notebook.

    The browser's echo cancellation, noise suppression and gain control, which are made for
    speech, are off.

    Args:
        path: Audio file to write.
        seconds: Duration, above 0 to 300; a button in the cell ends the recording earlier.

    Returns:
        Path of the file, which has the browser's sample rate.

    Raises:
        UserError: If this is not Colab, or the browser or its user refuses.

    Example:
        >>> record("humming.wav")
        Traceback (most recent call last):
        ...
        ddsp_tf.errors.UserError: microphone: only on Colab; record to a file and give its path
    """
    if not 0.0 < seconds <= _LONGEST_SECONDS:
        raise UserError(f"microphone: {seconds} s; expected above 0, at most {_LONGEST_SECONDS:g}")
    if not in_colab():
        raise UserError("microphone: only on Colab; record to a file and give its path")
    from google.colab import output

    answer = json.loads(output.eval_js(recorder_script(seconds)))
    if "error" in answer:
        raise UserError(f"microphone: {answer['error']}; allow the microphone for this page")
    samples = np.frombuffer(base64.b64decode(answer["samples"]), "<i2").astype(np.float32) / 32768
    if samples.size == 0:
        raise UserError("microphone: nothing was recorded; run the cell again")
    write_audio(path, samples, answer["sample_rate"])
    return Path(path)


def recorder_script(seconds: float) -> str:
    """Returns a JavaScript expression: a promise of JSON, {"sample_rate", "samples"} or {"error"}.

    Args:
        seconds: Duration of the recording.

    Returns:
        Source text. The samples are 16-bit integers, little-endian, in base64.

    Example:
        >>> recorder_script(2.0).rstrip().endswith("(2.0)")
        True
    """
    source = resources.files("ddsp_tf.app.notebook").joinpath("recorder.js").read_text("utf-8")
    return f"({source.strip().removesuffix(';')})({float(seconds)})"

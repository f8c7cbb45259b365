"""Writes a model for LiteRT (TensorFlow Lite), with its builtin operators only."""

import tempfile
from pathlib import Path

import keras
import tensorflow as tf

from ddsp_tf.errors import UserError
from ddsp_tf.models import Autoencoder


def write_litert(model: Autoencoder, path: Path):
    """Writes a `.tflite` file that plays whole pieces: features and noise -> audio.

    Its one signature, "synthesize", takes the model's features, each [1, frames], and "noise",
    [1, frames * hop] in [-1, 1], and gives "audio", [1, frames * hop]. The number of frames is
    free: resize the inputs before allocating.

    Args:
        model: The model, built.
        path: The file.

    Raises:
        UserError: If the model needs an operator that LiteRT does not have.
    """
    names = model.feature_names
    specs = [tf.TensorSpec([1, None], tf.float32, name) for name in (*names, "noise")]

    def synthesize(*arguments):
        return {"audio": model(dict(zip((*names, "noise"), arguments, strict=True)))}

    with tempfile.TemporaryDirectory() as folder:
        archive = keras.export.ExportArchive()
        archive.track(model)
        archive.add_endpoint("synthesize", synthesize, specs)
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["synthesize"])
        # Select operators (Flex) would convert anything, and then run nowhere.
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        try:
            content = converter.convert()
        except Exception as error:  # The converter raises its own kinds, and RuntimeError.
            raise UserError(f"{path}: not convertible to LiteRT ({_reason(error)})") from error
    path.write_bytes(content)


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    named = [line for line in lines if "op" in line.lower()]
    return (named or lines or [type(error).__name__])[0]

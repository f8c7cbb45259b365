"""Helpers for notebooks: players, pictures, live training, uploads and downloads.

They work on Colab and in Jupyter. Outside Colab, features that only Colab has (uploads, recording
in the browser, Google Drive) raise an error that names the alternative.

Example:
    >>> from ddsp_tf.app import notebook
    >>> notebook.in_colab()
    False
"""

import os

# Before the import of TensorFlow, whose start-up messages would fill the first cell.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from ddsp_tf.app.notebook.accelerator import check_device
from ddsp_tf.app.notebook.choices import choose_audio, choose_model, work_folder
from ddsp_tf.app.notebook.live import show_live
from ddsp_tf.app.notebook.live_training import LiveTraining, latest_render
from ddsp_tf.app.notebook.microphone import record
from ddsp_tf.app.notebook.progress import progress
from ddsp_tf.app.notebook.runtime import download, in_colab, upload
from ddsp_tf.app.notebook.showing import show_curves, show_dataset, show_sounds
from ddsp_tf.app.notebook.song_choice import choose_song
from ddsp_tf.backend.native_output import quiet

__all__ = [
    "LiveTraining",
    "check_device",
    "choose_audio",
    "choose_model",
    "choose_song",
    "download",
    "in_colab",
    "latest_render",
    "progress",
    "quiet",
    "record",
    "show_curves",
    "show_dataset",
    "show_live",
    "show_sounds",
    "upload",
    "work_folder",
]

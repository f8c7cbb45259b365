"""Recordings of a dataset as a whole, to compare with what went in."""

from ddsp_tf.data.reader import DatasetReader


def whole_files(dataset, split):
    """Gives arrays, source and first frame of each recording of a split."""
    reader = DatasetReader(dataset, split)
    return [
        {**reader.read(number), "source": file.source, "start_frame": file.start_frame}
        for number, file in enumerate(reader.files)
    ]

"""Recordings of a dataset as a whole, to compare with what went in."""

import numpy as np

from ddsp_tf.data.manifest import as_manifest
from ddsp_tf.data.segments import ranges_of, read_segments


def whole_files(dataset, split):
    """Returns arrays, source and first frame of what is left of each recording without a gap."""
    manifest = as_manifest(dataset)
    found = []
    for file in manifest.files_of(split):
        segments = list(read_segments(manifest, file))
        for begin, end in ranges_of(file.segments):
            own = [arrays for start, arrays in segments if begin <= start < end]
            joined = {name: np.concatenate([one[name] for one in own]) for name in own[0]}
            found.append({**joined, "source": file.source, "start_frame": begin})
    return found

"""What every executed notebook must show."""

import numpy as np
from notebook_runs import pictures, sounds


def check_sounds(notebook, numbers: dict[str, int]):
    """Each of these cells has so many players, and something is heard in each of them."""
    for cell, number in numbers.items():
        found = sounds(notebook, cell)
        assert len(found) == number, (cell, len(found))
        for audio in found:
            assert np.isfinite(audio).all(), cell
            assert np.sqrt(np.mean(audio**2)) > 1e-3, (cell, "silent")
            assert np.abs(audio).max() <= 1.0, cell


def check_pictures(notebook, numbers: dict[str, int]):
    """Each of these cells has so many pictures, and none is of one colour."""
    for cell, number in numbers.items():
        found = pictures(notebook, cell)
        assert len(found) == number, (cell, len(found))
        for picture in found:
            assert min(picture.shape[:2]) > 100, (cell, picture.shape)
            assert picture.std() > 5.0, (cell, "blank")

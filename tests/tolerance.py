"""How far two float32 computations of one thing may differ; stated here for the whole suite.

A float32 operation is off by half an epsilon (6e-8) of its result. How such errors add up depends
on the order of operations, which compilers, instruction sets (FMA, vector widths) and libraries
choose. So a tolerance follows from the size of the signal and the arithmetic in between, never
from what one machine happens to give:

    tolerance = rounding * epsilon * peak

The peak is the largest expected value, because sums and transforms spread the error of their
largest terms over all of their results. `rounding` is one of the numbers below.
"""

import math

import numpy as np

EPSILON = float(np.finfo(np.float32).eps)

# Some dozens of elementwise operations, each with an error of one or two epsilons (exp, tanh, sin).
STEPS = 128
# Sums of hundreds of products: matrix products, Fourier transforms, recurrences, their gradients.
SUMS = 1024


def phases(highest_hz: float, seconds: float) -> float:
    """Rounding of sines whose frequencies were computed: e.g. `exp` of a network's output.

    A frequency that is off by an epsilon turns its phase by 2 pi hz epsilon in a second. Two of
    them differ by twice as much, and the sums of a bank of sines come on top.
    """
    return 4.0 * math.pi * highest_hz * seconds + SUMS


def assert_close(actual, expected, rounding=STEPS, *, peak=None, relative=False, err_msg=""):
    """Asserts that float32 values are the expected ones but for rounding.

    Args:
        actual: Values of any shape.
        expected: Values of a shape that broadcasts.
        rounding: Epsilons of the peak by which they may differ.
        peak: Size of the signals in between, if the expected values are smaller (silence).
        relative: Whether every value counts by itself in place of the peak: for positive results
            that were not summed, such as frequencies.
        err_msg: Shown when they differ.
    """
    exact = np.complex128 if np.iscomplexobj(actual) else np.float64
    actual, expected = np.asarray(actual, exact), np.asarray(expected, exact)
    if relative:
        np.testing.assert_allclose(actual, expected, rtol=rounding * EPSILON, err_msg=err_msg)
        return
    peak = np.abs(expected).max(initial=0.0) if peak is None else peak
    tolerance = rounding * EPSILON * peak
    np.testing.assert_allclose(actual, expected, rtol=0.0, atol=tolerance, err_msg=err_msg)

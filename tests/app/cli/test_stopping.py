"""Signals become one exception, wherever they arrive."""

import os
import signal
import time

import pytest

from ddsp_tf.app.cli.stopping import StopSignals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_further_signals_change_nothing(number):
    with StopSignals() as signals:
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
            time.sleep(1)
        for again in (signal.SIGINT, signal.SIGTERM, number):
            os.kill(os.getpid(), again)
        time.sleep(0.01)
    assert signals.exit_code == 128 + number


def test_a_signal_that_python_drops_is_raised_again():
    class Sensitive:
        def __del__(self):
            os.kill(os.getpid(), signal.SIGTERM)
            for _ in range(1000):
                pass

    with StopSignals() as signals, pytest.raises(KeyboardInterrupt):
        del_me = Sensitive()
        del del_me
        time.sleep(2)
        pytest.fail("the signal was lost")
    assert signals.exit_code == 143


def test_handlers_of_the_caller_return():
    before = signal.getsignal(signal.SIGTERM)
    with StopSignals():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before

"""Output of native code is suppressed for a while."""

import os

from ddsp_tf.backend.native_output import quiet


def test_native_code_is_quiet_for_a_while_only(capfd):
    with quiet():
        os.write(2, b"hidden")
    os.write(2, b"shown")
    assert capfd.readouterr().err == "shown"

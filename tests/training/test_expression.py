import threading

from ddsp_tf.training import expression


def test_the_network_is_trained_outside_of_a_distribution(monkeypatch):
    threads = {}
    for devices in (1, 2):
        monkeypatch.setattr(expression, "device_count", lambda n=devices: n)
        threads[devices] = expression._on_one_device(threading.get_ident)
    assert threads[1] == threading.get_ident() != threads[2]

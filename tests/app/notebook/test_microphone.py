"""Recording: what the browser sends becomes a file, and the browser's part works in Chromium."""

import base64
import http.server
import json
import queue
import shutil
import subprocess
import threading

import numpy as np
import pytest
import soundfile

from ddsp_tf import UserError
from ddsp_tf.app.notebook import record
from ddsp_tf.app.notebook.microphone import recorder_script

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def test_what_the_browser_sends_becomes_a_file(colab, tmp_path, rng):
    samples = rng.integers(-30000, 30000, 4410).astype("<i2")
    encoded = base64.b64encode(samples.tobytes()).decode()
    colab.answer = json.dumps({"sample_rate": 44100, "samples": encoded})
    path = record(tmp_path / "new" / "take.wav", 5.0)
    audio, rate = soundfile.read(path, dtype="int16")
    assert rate == 44100
    assert np.abs(audio.astype(int) - samples).max() <= 1
    assert colab.scripts[0].endswith("(5.0)")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"error": "Permission denied"}, "microphone: Permission denied; allow"),
        ({"sample_rate": 48000, "samples": ""}, "nothing was recorded"),
    ],
)
def test_refusals_are_reported(colab, tmp_path, answer, message):
    colab.answer = json.dumps(answer)
    with pytest.raises(UserError, match=message):
        record(tmp_path / "take.wav")
    assert not (tmp_path / "take.wav").exists()


@pytest.mark.parametrize("seconds", [0.0, -1.0, 301.0, float("nan")])
def test_lengths_out_of_range_are_refused(colab, tmp_path, seconds):
    with pytest.raises(UserError, match="at most 300"):
        record(tmp_path / "take.wav", seconds)
    assert not colab.scripts


class Page(http.server.BaseHTTPRequestHandler):
    """A page that records for a second and sends back the result."""

    def do_GET(self):
        page = "<body><script>%s.then((text) => fetch('/', {method: 'POST', body: text}))</script>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write((page % recorder_script(1.0)).encode())

    def do_POST(self):
        self.server.answers.put(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments):
        pass


def run_in_chromium(tmp_path, *flags):
    """Runs the recorder in a page; returns its answer."""
    options = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run"
    options += " --disable-background-networking --disable-component-update --disable-sync"
    options += f" --remote-debugging-port=0 --user-data-dir={tmp_path / 'profile'}"
    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        server.answers = queue.Queue()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        command = [CHROMIUM, *options.split(), *flags, f"http://127.0.0.1:{server.server_port}/"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(command, **quiet) as browser:
            try:
                return json.loads(server.answers.get(timeout=60))
            finally:
                browser.terminate()
                server.shutdown()


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
def test_chromium_records_its_own_test_tone(tmp_path):
    flags = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    answer = run_in_chromium(tmp_path, *flags, "--autoplay-policy=no-user-gesture-required")
    samples = np.frombuffer(base64.b64decode(answer["samples"]), "<i2") / 32768
    assert answer["sample_rate"] >= 16000
    assert 0.6 < samples.size / answer["sample_rate"] < 2.0
    # The stand-in for a microphone beeps once a second.
    assert np.abs(samples).max() > 0.05


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
def test_chromium_without_a_microphone_says_so(tmp_path):
    assert run_in_chromium(tmp_path)["error"]

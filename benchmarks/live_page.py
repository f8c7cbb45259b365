"""Latency and gaps of the live page, in headless Chromium.

    python benchmarks/live_page.py                   # five minutes of microphone each
    python benchmarks/live_page.py --seconds 30 --rates 250

It plays `fast_dry` with 250 and with 50 frames per second, untrained, which takes as long as
trained. A file replaces the microphone. It needs Node, Chromium and `npm ci` in
ddsp_tf/app/pages/live. Run it on an idle machine, because the page shares its processors.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from ddsp_tf.app.live_instruments import instrument_of_model
from ddsp_tf.app.pages.live_page import write_live_page
from ddsp_tf.configuration.experiment import load_experiment

RATES = (250, 50)


def write_bursts(path: Path, rate: int = 48000):
    """Writes tones of 0.4 s and rests of 0.8 s."""
    time = np.arange(int(0.4 * rate)) / rate
    envelope = np.minimum(1, np.minimum(time / 0.005, (0.4 - time) / 0.02))
    tone = 0.2 * envelope * sum(np.sin(2 * np.pi * 440 * k * time) / k for k in range(1, 7))
    soundfile.write(path, np.tile(np.concatenate([tone, np.zeros(int(0.8 * rate))]), 10), rate)


def line(name: str, values: list[float], mark: float) -> str:
    """Median and worst of the latencies, in a row of a table."""
    if not values:
        return f"| {name} | not measured | | {mark:g} |"
    return f"| {name} | {np.median(values):.0f} | {max(values):.0f} | {mark:g} |"


def main():
    """Plays, and prints a table."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from live_browser import CHROMIUM, drive

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rates", type=int, nargs="+", default=RATES, help="frames a second")
    parser.add_argument("--seconds", type=float, default=300.0, help="of the microphone, each")
    parser.add_argument("--presses", type=int, default=20, help="of a key, each")
    arguments = parser.parse_args()
    if not CHROMIUM:
        sys.exit("no Chromium was found")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_bursts(folder / "bursts.wav")
        instruments = []
        for rate in arguments.rates:
            model = load_experiment("fast_dry", [f"frame_rate={rate}"]).model
            model.build()
            instruments.append(instrument_of_model(model, {}, f"{rate} frames"))
        page = write_live_page(folder / "page.html", instruments, single_file=True)
        job = {
            "instruments": [one.facts["name"] for one in instruments],
            "microphone": folder / "bursts.wav",
        }
        print(f"load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        keys, errors = drive(page, folder, "keys", presses=arguments.presses, pause=1200, **job)
        limit = 120 + 3 * arguments.seconds
        voice, more = drive(
            page, folder, "microphone", timeout=limit, seconds=arguments.seconds, **job
        )
    print(f"first sound after the click: {keys['first']:.0f} ms (mark 2000)")
    print(f"of all latencies, {keys['output']:.0f} ms are the browser's output")
    print("| ms | median | worst | mark |\n| --- | ---: | ---: | ---: |")
    for one in job["instruments"]:
        print(line(f"key to sound, {one}", keys["latencies"][one], 50))
        print(line(f"voice to sound, {one}", voice[one]["voice"], 80))
        print(line(f"a hop, {one}", voice[one]["busy"], 1000 / float(one.split()[0])))
    print(f"gaps from the click on, keys and changes of instrument: {keys['total']}")
    for one in job["instruments"]:
        found = keys["gaps"][one]
        when = "; after ".join(["", *(f"{seconds:.1f} s" for seconds in found)])
        print(f"gaps in {arguments.presses} keys, {one}: {len(found)}{when}")
        print(f"gaps in {arguments.seconds:g} s of microphone, {one}: {voice[one]['gaps']}")
    print(f"errors on the console: {len(errors + more)}")


if __name__ == "__main__":
    main()

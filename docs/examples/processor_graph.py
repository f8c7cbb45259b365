"""A graph of processors: named nodes, stems of every one, and the same sound block by block.

    python docs/examples/processor_graph.py processor_graph.png

draws the stems of four breathy notes that move into a room.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

from ddsp_tf.processors import Add, FilteredNoise, Harmonic, Mix, ProcessorGroup, Reverb

FRAMES = 500  # two seconds

# Each node is a processor and the names of its inputs: the caller's values or other nodes'
# signals. The order does not matter; the node that no other one takes is the output. Mistakes
# (a missing input, a cycle, sizes or rates that differ) are errors here, and name the node.
group = ProcessorGroup(
    [
        (Mix(name="output"), ["room", "dry", "wetness"]),
        (Reverb(length=8000, name="room"), ["dry"]),
        (Add(name="dry"), ["tone", "breath"]),
        (
            Harmonic(n_harmonics=30, scale=False, name="tone"),
            ["amplitudes", "harmonic_distribution", "f0_hz"],
        ),
        (FilteredNoise(n_bands=65, scale=False, name="breath"), ["noise_magnitudes"]),
    ]
)


def make_inputs():
    """Four notes that begin with breath, near at first and far at the end."""
    progress = np.linspace(0.0, 1.0, FRAMES, endpoint=False, dtype=np.float32)[None, :, None]
    note = 4.0 * progress % 1.0
    pitch = np.array([0, 4, 7, 12])[(4.0 * progress).astype(int)]
    shares = np.tile(1.0 / np.arange(1, 31) ** 1.2, (1, FRAMES, 1))
    breath = np.exp(-np.linspace(0.0, 2.0, 65)) * np.exp(-12.0 * note)
    return {
        "amplitudes": np.float32(0.5 * np.exp(-5.0 * note) * (1.0 - np.exp(-60.0 * note))),
        "harmonic_distribution": np.float32(shares / shares.sum(axis=-1, keepdims=True)),
        "f0_hz": np.float32(261.63 * 2.0 ** (pitch / 12.0)),
        "noise_magnitudes": np.float32(0.3 * breath),
        "wetness": np.float32(6.0 * progress - 4.0),
        # With given noise, a render can be repeated; otherwise every call draws its own.
        "noise": np.random.default_rng(0).uniform(-1.0, 1.0, (1, FRAMES * 64)).astype(np.float32),
    }


def stream(inputs, block):
    """Renders `block` frames at a time; the state goes from one block to the next."""
    state, blocks = group.initial_state(1), []
    for start in range(0, FRAMES, block):
        part = {}
        for name, value in inputs.items():
            step = value.shape[1] // FRAMES
            part[name] = value[:, start * step : (start + block) * step]
        signals, state = group.stream(state, part)
        blocks.append(np.asarray(signals["output"]))
    return np.concatenate(blocks, axis=1)


def main(path):
    """Renders all stems, compares with the stream, and draws."""
    group.build()
    taps = np.random.default_rng(1).normal(size=8000) * np.exp(-np.arange(8000) / 1500.0)
    room = next(processor for processor in group.processors if processor.name == "room")
    room.impulse_response.assign(np.float32(0.05 * taps))

    inputs = make_inputs()
    signals, controls = group.render(inputs)
    streamed = stream(inputs, block=50)[:, group.latency :]
    whole = np.asarray(signals["output"])[:, : streamed.shape[1]]
    print(f"streamed and whole audio differ by at most {np.abs(streamed - whole).max():.1e}")

    figure, axes = plt.subplots(len(signals) + 1, 1, figsize=(7, 10), sharex=True)
    seconds = np.arange(FRAMES * 64) / 16000
    for axis, (name, signal) in zip(axes, signals.items(), strict=False):
        axis.plot(seconds, np.asarray(signal)[0], linewidth=0.4)
        axis.set(ylim=(-0.55, 0.55), ylabel=name)
    levels = np.asarray(controls["output"]["mix_levels"])[0]
    axes[-1].plot(seconds[::64], levels, label=["room", "dry"])
    axes[-1].set(ylabel="mix levels", xlabel="seconds", ylim=(0.0, 1.05))
    axes[-1].legend(loc="center right")
    figure.align_ylabels()
    figure.tight_layout()
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    main(sys.argv[1])

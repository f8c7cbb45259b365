"""Noticing that a training goes wrong while it still runs."""

# How far below the recordings' level a sound counts as lost, in dB.
_SILENT_DB = 40.0
_DEAD_DB = 70.0
# Recordings softer than this give nothing to compare with.
_AUDIBLE_DB = -70.0


class Health:
    """Looks at the numbers of a run, and says once when something has gone wrong.

    Two ways to fail make a falling loss worthless: the whole output falls silent, because silence
    is a local minimum of spectral losses; or one synthesizer dies, and the others do its work
    badly (a noise synthesizer without harmonics buzzes and hisses, but has no pitch).

    Args:
        synthesizers: Names of the nodes that make sound by themselves.
        output: Name of the node whose signal is the output.
        after_step: First step at which to look: before, levels say more about initial weights.

    Example:
        >>> health = Health(["harmonic"], "harmonic", after_step=100)
        >>> health.examine(200, {"level_target_db": -20.0, "level_harmonic_db": -90.0})[0][:28]
        'step 200: the output has fal'
    """

    def __init__(self, synthesizers: list[str], output: str, after_step: int):
        self.synthesizers, self.output, self.after_step = synthesizers, output, after_step
        self._said: set[str] = set()

    def examine(self, step: int, numbers: dict[str, float]) -> list[str]:
        """Looks at one row of training metrics.

        Args:
            step: Its step.
            numbers: With "level_target_db" and "level_<node>_db".

        Returns:
            Sentences about what is wrong now and was not said yet, often none. What recovers and
            fails again is said again.
        """
        target = numbers["level_target_db"]
        if step < self.after_step or target < _AUDIBLE_DB:
            return []
        output = numbers[f"level_{self.output}_db"]
        found = {}
        if output < target - _SILENT_DB:
            found["output"] = (
                f"step {step}: the output has fallen silent ({output:.0f} dB, the recordings have "
                f"{target:.0f} dB); it may come back by itself, else try a smaller "
                "train.learning_rate or another seed"
            )
        else:
            for name in self.synthesizers:
                level = numbers[f"level_{name}_db"]
                if level < target - _DEAD_DB:
                    found[name] = (
                        f"step {step}: {name} adds nothing any more ({level:.0f} dB, the "
                        f"recordings have {target:.0f} dB); look at the pitch of the dataset, or "
                        "leave this synthesizer out"
                    )
        new = [text for name, text in found.items() if name not in self._said]
        self._said = set(found)
        return new

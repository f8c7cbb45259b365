"""Steps of each rung, and the bounds of its gates."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Plan:
    """Steps and bounds of a climb.

    Attributes:
        config: Configuration to train.
        seed: Seed of everything random.
        clip_seconds: Length of the clips that recordings are cut into.
        n_passages: Largest number of passages from which rung 2 chooses its clip.
        n_clips: Largest number of clips of rung 3.
        recovery_steps: Steps of each descent of rung 1.
        floor_steps: Steps of the descent that finds the synthesizers' floor.
        clip_steps: Training steps of rung 2.
        clips_steps: Training steps of rungs 3 and 4.
        ablation_steps: Training steps of each row of rung 5.
        timbre_steps: Training steps of each model of rung 6.
        overrides: Settings of all trainings.
        reached: The bounds of the gates, by name.
    """

    config: str = "demo"
    seed: int = 0
    clip_seconds: float = 4.0
    n_passages: int = 12
    n_clips: int = 24
    recovery_steps: int = 200
    floor_steps: int = 1000
    clip_steps: int = 2000
    clips_steps: int = 1000
    ablation_steps: int = 600
    timbre_steps: int = 600
    overrides: tuple[str, ...] = ()
    reached: dict[str, float] = dataclasses.field(default_factory=dict)


FULL = {
    # Rung 1, dB: harmonics, noise filter with the same noise, and with another at every step.
    "harmonics_db": 1.0,
    "noise_filter_db": 0.5,
    "noise_filter_fresh_db": 2.0,
    "impulse_response_db": 20.0,
    # Rung 2: shares of the untrained model's loss that must go, and distance to the floor.
    "loss_down": 0.65,
    "magnitude_down": 0.85,
    "above_floor": 1.5,
    # Rung 3: rises of the loss over its lowest so far, and each file's share of its first loss.
    "rebound": 1.3,
    "file_down": 0.6,
    "worst_file": 1.6,
    # Rung 4, on clips never trained on.
    "held_out_down": 0.6,
    "generalization": 1.5,
    "loudness_db": 3.0,
    "f0_semitones": 0.1,
    "f0_outliers": 0.02,
    # Rung 5: what each branch takes off the held-out loss.
    "branch": 0.05,
    # Rung 6.
    "timbre_gain": 0.02,
    "monotonic": 0.95,
    "largest_step": 0.4,
}

# Few steps, for any configuration. A small model meets these bounds on the bundled violin with some
# margin; an untrained one is far outside. Branches and timbre need more steps, so there any number
# passes.
QUICK = FULL | {
    "harmonics_db": 6.0,
    "noise_filter_db": 6.0,
    "noise_filter_fresh_db": 7.0,
    "impulse_response_db": 3.0,
    "loss_down": 0.6,
    "magnitude_down": 0.45,
    "rebound": 1.5,
    "generalization": 1.8,
    "loudness_db": 9.0,
    "branch": -5.0,
    "timbre_gain": -5.0,
    "monotonic": -1.0,
    "largest_step": 1.1,
}


def make_plan(config: str, seed: int, quick: bool, overrides: tuple[str, ...] = ()) -> Plan:
    """Chooses steps and bounds.

    Args:
        config: Configuration to train.
        seed: Seed of everything random.
        quick: Whether to take few steps.
        overrides: Settings of all trainings.

    Returns:
        The plan.
    """
    if not quick:
        return Plan(config, seed, overrides=overrides, reached=FULL)
    return Plan(
        config,
        seed,
        clip_seconds=1.0,
        n_passages=2,
        n_clips=10,
        recovery_steps=40,
        floor_steps=20,
        clip_steps=150,
        clips_steps=150,
        ablation_steps=30,
        timbre_steps=30,
        overrides=overrides,
        reached=QUICK,
    )

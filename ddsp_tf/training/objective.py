"""What a training step minimizes, and what it reports about the sound it made."""

import math

from keras import ops

# Below any recording's noise; keeps the logarithm of silence finite.
_SILENCE = 1e-12


class Objective:
    """Loss of a model on a batch, with statistics of its signals and controls.

    Args:
        model: An `Autoencoder`.
        loss: A `MultiScaleSpectralLoss`.
        pitch_jitter: Semitones, see `TrainingSettings`.

    Example:
        >>> from ddsp_tf.configuration.experiment import load_experiment
        >>> experiment = load_experiment("demo")
        >>> Objective(experiment.model, experiment.loss).names[:3]
        ('loss', 'magnitude', 'log_magnitude')
    """

    def __init__(self, model, loss, pitch_jitter: float = 0.0):
        self.model, self.loss, self.pitch_jitter = model, loss, pitch_jitter
        self.nodes = [processor.name for processor in model.processor_group.processors]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the numbers that `measure` gives."""
        levels = [f"level_{name}_db" for name in ("target", *self.nodes)]
        extra = []
        if "harmonic" in self.nodes:
            extra.append("harmonic_entropy")
            if "filtered_noise" in self.nodes:
                extra.append("noise_to_harmonic_db")
        return ("loss", *self.loss.kinds, *levels, *extra)

    def inputs(self, batch, noise):
        """Runs the networks.

        Args:
            batch: Dictionary with the model's features [batch, frames] and "audio".
            noise: [batch, samples] for the noise synthesizer.

        Returns:
            The processors' raw inputs by name.
        """
        features = {key: value for key, value in batch.items() if key != "source"}
        # A random number a clip; no sound depends on the first sample of the noise alone.
        misheard = self.pitch_jitter * noise[:, :1] if self.pitch_jitter else None
        inputs, _ = self.model.decode({**features, "noise": noise}, misheard_semitones=misheard)
        return inputs

    def measure(self, inputs, target):
        """Runs the processors and compares their audio with the target.

        Args:
            inputs: From `inputs`.
            target: Audio [batch, samples].

        Returns:
            Tuple of the loss, a scalar, and a dictionary of scalars by the names in `names`.
            Levels are mean powers in dB of full scale. The entropy of the harmonic distribution
            is in nats, 0 for a single harmonic, and counts frames by their amplitude.
        """
        signals, controls = self.model.processor_group.render(inputs)
        kinds = self.loss.kind_sums(target, signals[self.nodes[-1]])
        kinds = {name: ops.mean(value) for name, value in kinds.items()}
        loss = sum(kinds.values())
        levels = {
            f"level_{name}_db": _level_db(signal)
            for name, signal in {"target": target, **signals}.items()
        }
        numbers = {"loss": loss, **kinds, **levels, **self._harmonics(controls, levels)}
        return loss, {name: ops.stop_gradient(value) for name, value in numbers.items()}

    def _harmonics(self, controls, levels):
        if "harmonic" not in self.nodes:
            return {}
        share = controls["harmonic"]["harmonic_distribution"]
        amplitude = controls["harmonic"]["amplitudes"][:, :, 0]
        entropy = -ops.sum(share * ops.log(ops.maximum(share, 1e-9)), axis=-1)
        weight = ops.maximum(ops.sum(amplitude), 1e-9)
        numbers = {"harmonic_entropy": ops.sum(entropy * amplitude) / weight}
        if "filtered_noise" in self.nodes:
            difference = levels["level_filtered_noise_db"] - levels["level_harmonic_db"]
            numbers["noise_to_harmonic_db"] = difference
        return numbers


def _level_db(signal):
    power = ops.mean(ops.square(signal)) + _SILENCE
    return (10.0 / math.log(10.0)) * ops.log(power)

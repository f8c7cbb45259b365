"""The model: features -> decoder -> processors -> audio."""

from collections.abc import Mapping
from typing import Any, Self

import keras
from keras import ops

from ddsp_tf.backend.placement import xla_pays
from ddsp_tf.dsp.rates import hop_size
from ddsp_tf.models.consistency import check_parts
from ddsp_tf.models.decoder import Decoder
from ddsp_tf.models.ensemble import played_mixture, solo
from ddsp_tf.models.envelope_consistency import envelope_loss
from ddsp_tf.models.level_matching import LevelMatching
from ddsp_tf.models.played_features import check_features, clean_features, float32_features
from ddsp_tf.models.timbre import Timbre
from ddsp_tf.processors.group import ProcessorGroup
from ddsp_tf.typing import Mixture, State, Tensor
from ddsp_tf.units import MIDI_RANGE, scale_db, scale_f0_hz

_PARTS = ("decoder", "processor_group", "encoder", "level_matching")
_SCALES = {"f0_hz": scale_f0_hz, "loudness_db": scale_db, "power_db": scale_db}


@keras.saving.register_keras_serializable(package="ddsp_tf")
class Autoencoder(Timbre, keras.Model):
    """Plays one or more instruments from pitch and loudness curves, and optionally a timbre z.

    Features are passed in physical units and scaled inside; batch size and number of frames are
    free. A model whose decoder has an input "z" has a timbre: the features' "z" if they contain
    one; otherwise, with an encoder, that of their "audio", which training only has to pass;
    otherwise the weight `mean_z`, which `keep_mean_z` sets to the mean over recordings. z has no
    physical unit and is not in `feature_names`: every model can be played without it.

    A model whose decoder has instruments plays several. The feature "instrument" selects one or a
    mixture; without it, all play in equal shares. `solo` returns one as a plain model.

    Args:
        decoder: Layer from scaled features to raw controls, such as `RnnDecoder`.
        processor_group: `ProcessorGroup` from the decoder's outputs and f0_hz to audio.
        encoder: Optional layer from audio to z, such as `MfccRnnEncoder`.
        level_matching: Optional `LevelMatching`, which makes the synthesizers as loud as the
            decoder's level input requires ("loudness_db", otherwise "power_db").
        sample_rate: Samples per second.
        frame_rate: Frames per second; divides the sample rate.
        pitch_jitter: Largest random shift in semitones, up or down, of the pitch that the decoder
            receives for a training clip, while the synthesizers play the true one; 0 for none.
        envelope_consistency: Weight of a training loss that makes spectral envelopes at pitches up
            to 6 semitones away resemble those at the pitches of a clip; 0 for none.
        name: Model name.
        **kwargs: Further `keras.Model` arguments.

    Call arguments:
        features: Dictionary with the decoder's inputs, such as "f0_hz" and "loudness_db", each
            [batch, frames]; and optionally "noise", [batch, frames * hop] in [-1, 1], for the
            noise synthesizer, "z", [batch, frames or 1, z_dims], "audio" [batch, frames * hop], and
            "instrument", [batch, frames or 1, instruments], weights in the order of `instruments`.
            Other entries are ignored, and frames with NaN or infinity are silent.
        training: Whether `pitch_jitter` and `envelope_consistency` apply.

    Returns:
        Audio [batch, frames * hop].

    Raises:
        ValueError: If the frame rate does not divide the sample rate, or parts do not fit together;
            when called, if features are missing or have other shapes.

    Example:
        >>> from ddsp_tf.models import RnnDecoder
        >>> from ddsp_tf.processors import Harmonic, ProcessorGroup
        >>> model = Autoencoder(
        ...     RnnDecoder({"amplitudes": 1, "harmonic_distribution": 8}, rnn_channels=16),
        ...     ProcessorGroup([(Harmonic(n_harmonics=8),
        ...                      ["amplitudes", "harmonic_distribution", "f0_hz"])]))
        >>> model({"f0_hz": ops.full((1, 100), 440.0), "loudness_db": ops.zeros((1, 100))}).shape
        TensorShape([1, 6400])
    """

    def __init__(
        self,
        decoder: Decoder,
        processor_group: ProcessorGroup,
        encoder: keras.layers.Layer | None = None,
        level_matching: LevelMatching | None = None,
        sample_rate: int = 16000,
        frame_rate: float = 250,
        pitch_jitter: float = 0.0,
        envelope_consistency: float = 0.0,
        name: str = "autoencoder",
        **kwargs: Any,
    ):
        # Half precision would put the pitch out of tune.
        super().__init__(name=name, autocast=False, **kwargs)
        self.decoder, self.processor_group = decoder, processor_group
        self.encoder, self.level_matching = encoder, level_matching
        self.sample_rate, self.frame_rate = sample_rate, frame_rate
        self.pitch_jitter, self.envelope_consistency = pitch_jitter, envelope_consistency
        self.hop = hop_size(sample_rate, frame_rate)
        self.supports_jit = xla_pays()
        if pitch_jitter or envelope_consistency:
            # A fixed seed: drawing one would change the initial weights of layers built later.
            self.seed_generator = keras.random.SeedGenerator(seed=0)
        check_parts(self)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features the model needs."""
        names = dict.fromkeys(["f0_hz", *self.decoder.input_names])
        return tuple(name for name in names if name != "z")

    @property
    def optional_feature_names(self) -> tuple[str, ...]:
        """Names of the features for timbre ("z" takes precedence over "audio") and instrument."""
        return (*self.vector_sizes, *(("audio",) if self.encoder is not None else ()))

    @property
    def vector_sizes(self) -> dict[str, int]:
        """Channels of the optional features that are vectors: "z" and "instrument"."""
        sizes = {"z": self.z_dims, "instrument": len(self.instruments)}
        return {name: size for name, size in sizes.items() if size}

    @property
    def instruments(self) -> tuple[str, ...]:
        """Names of the instruments, if the model has several."""
        return self.decoder.instruments

    @property
    def level_name(self) -> str | None:
        """Name of the decoder's level input, None if it has none."""
        return next((n for n in ("loudness_db", "power_db") if n in self.decoder.input_names), None)

    @property
    def latency(self) -> int:
        """Samples by which `stream` delays the audio."""
        return self.processor_group.latency

    def build(self, input_shape: Any = None) -> None:
        """Builds the networks; the processors create their weights themselves."""
        if self.built:
            return
        shapes = {name: (None, None, size) for name, size in self.decoder.input_sizes.items()}
        self.decoder.build(shapes)
        outputs, _ = self.decoder.compute_output_shape(shapes)
        self.processor_group.build({**outputs, "f0_hz": (None, None, 1)})
        if self.encoder is not None:
            self.encoder.build((None, None))
        if self.z_dims:
            options = {"initializer": "zeros", "trainable": False, "autocast": False}
            self.mean_z = self.add_weight(name="mean_z", shape=(self.z_dims,), **options)
        self.built = True

    def decode(
        self,
        features: Mapping[str, Tensor],
        state: Tensor | None = None,
        pitch_shift: Tensor | None = None,
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Turns features into the processors' raw inputs.

        Args:
            features: Features, as for `call`.
            state: The decoder's state after the previous block; None at the start.
            pitch_shift: Semitones by which the decoder's pitch, but not that of the processors, is
                shifted, [batch, 1 or frames]; None for no shift.

        Returns:
            Tuple of a dictionary from name to [batch, frames, channels], with "f0_hz", with
            instruments "instrument", and any "noise" [batch, samples]; and the decoder's new state.
        """
        self.build()
        features = float32_features(self, features)
        values = {name: features[name][:, :, None] for name in self.feature_names}
        scaled = {
            name: _SCALES[name](values[name])
            if name in values
            else self._played_z(features, values)
            for name in self.decoder.input_names
        }
        if pitch_shift is not None:
            scaled["f0_hz"] = scaled["f0_hz"] + pitch_shift[:, :, None] / MIDI_RANGE
        mixture, count = {}, len(self.instruments)
        if count:
            mixture["instrument"] = played_mixture(features.get("instrument"), count)
        outputs, state = self.decoder({**scaled, **mixture}, state=state)
        inputs = {key: ops.cast(value, "float32") for key, value in outputs.items()}
        inputs |= {"f0_hz": values["f0_hz"], **mixture}
        if self.level_matching is not None:
            name: Any = self.level_name  # Never None here: such a model was refused.
            inputs = self.level_matching.match(self.processor_group, inputs, name, values[name])
        if "noise" in features:
            inputs["noise"] = features["noise"]
        return inputs, state

    def __call__(self, features: Mapping[str, Tensor], *args: Any, **kwargs: Any) -> Tensor:
        """Plays features; checks them first, because Keras would extend the error messages."""
        check_features(self, features)
        return super().__call__(features, *args, **kwargs)

    def call(self, features: Mapping[str, Tensor], training: bool = False) -> Tensor:
        """Returns audio [batch, frames * hop]."""
        features, most, shift = clean_features(self, features), self.pitch_jitter, None
        if training and most:
            shape = (ops.shape(features["f0_hz"])[0], 1)
            shift = keras.random.uniform(shape, -most, most, "float32", self.seed_generator)
        inputs, _ = self.decode(features, pitch_shift=shift)
        if training and (weight := self.envelope_consistency):
            self.add_loss(weight * envelope_loss(self, features, inputs, self.seed_generator))
        return self.processor_group(inputs)

    def compute_output_shape(self, input_shape: Mapping[str, Any]) -> tuple[int | None, ...]:
        """Returns the shape of the audio, [batch, frames * hop]."""
        batch, frames = input_shape["f0_hz"][:2]
        return batch, None if frames is None else frames * self.hop

    def export(self, filepath: Any, *args: Any, **kwargs: Any) -> None:
        """Exports the model as `keras.Model.export` does, for any batch and number of frames.

        Args:
            filepath: Folder to write.
            *args: Arguments of `keras.Model.export`.
            **kwargs: Further ones; by default `input_signature` lists the features it needs.
        """
        self.build()
        spec = keras.InputSpec(shape=(None, None), dtype="float32")
        kwargs.setdefault("input_signature", [dict.fromkeys(self.feature_names, spec)])
        super().export(filepath, *args, **kwargs)

    def render(
        self, features: Mapping[str, Tensor]
    ) -> tuple[dict[str, Tensor], dict[str, dict[str, Tensor]]]:
        """Returns every processor's signal and controls.

        Args:
            features: Features, as for `call`.

        Returns:
            Tuple of signals [batch, frames * hop] by processor name (the last is the model's
            audio), and controls by processor name.
        """
        inputs, _ = self.decode(clean_features(self, features))
        return self.processor_group.render(inputs)

    def solo(self, instrument: Mixture = None) -> Self:
        """Returns a plain model of one instrument or mixture, with the same sound.

        Args:
            instrument: Name of the instrument, or shares by name in any unit; None for equal
                shares of all.

        Returns:
            A model without instruments; later changes of the weights do not reach it.

        Raises:
            ValueError: If the model has no instruments, or none of that name.

        Example:
            >>> model.solo({"cello": 2, "sax": 1}).instruments  # doctest: +SKIP
            ()
        """
        self.build()
        return solo(self, instrument)

    def initial_state(self, batch_size: int) -> State:
        """Returns the state before the first block, a flat dictionary of tensors."""
        state = self.processor_group.initial_state(batch_size)
        return {"decoder": self.decoder.initial_state(batch_size), **state}

    def stream(self, features: Mapping[str, Tensor], state: State) -> tuple[Tensor, State]:
        """Plays one block of frames.

        Args:
            features: Features of the block's frames, as for `call`. Audio is ignored, because the
                encoder would restart with every block: encode it, and give z.
            state: State from `initial_state` or the previous call.

        Returns:
            Tuple of audio [batch, frames * hop], delayed by `latency` samples, and the new state.
        """
        features = {name: value for name, value in features.items() if name != "audio"}
        inputs, decoder_state = self.decode(clean_features(self, features), state["decoder"])
        own = {key: value for key, value in state.items() if key != "decoder"}
        signals, own = self.processor_group.stream(own, inputs)
        output = self.processor_group.processors[-1].name
        return signals[output], {"decoder": decoder_state, **own}

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, layers serialized."""
        parts = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in _PARTS}
        plain = ("name", "sample_rate", "frame_rate", "pitch_jitter", "envelope_consistency")
        return {**parts, **{name: getattr(self, name) for name in plain}}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Rebuilds the model from `get_config`, built and ready for weights."""
        parts = {key: keras.saving.deserialize_keras_object(config.get(key)) for key in _PARTS}
        model = cls(**{**config, **parts})
        model.build()
        return model

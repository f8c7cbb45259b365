"""Checks that the parts of a model fit together."""

from typing import Any

from ddsp_tf.models.envelope_consistency import has_harmonic

DECODER_INPUTS = ("f0_hz", "loudness_db", "power_db", "z")


def check_parts(model: Any) -> None:
    """Checks names, sizes and rates of the parts of a model, before anything is built.

    Args:
        model: An `Autoencoder` with its parts.

    Raises:
        ValueError: If an input of the decoder is unknown, z differs between encoder and decoder,
            the decoder lacks an output that the processors need or makes it in another size, levels
            cannot be matched, envelopes cannot be compared, or a part differs from the model in
            rates or instruments. The message names the part.
    """
    _check_decoder_inputs(model)
    _check_processor_inputs(model)
    if model.level_matching is not None:
        model.level_matching.check(model.processor_group)
        if model.level_name is None:
            raise ValueError("level matching needs a decoder input loudness_db or power_db")
    _check_instruments(model)
    if model.envelope_consistency and not has_harmonic(model):
        raise ValueError("envelope_consistency needs a Harmonic among the processors")
    for part in (*model.processor_group.processors, *([model.encoder] if model.encoder else [])):
        for key in ("sample_rate", "frame_rate"):
            ours = getattr(model, key)
            theirs = getattr(part, key, ours)
            if theirs != ours:
                raise ValueError(f"{part.name}.{key}={theirs}, but the model's is {ours}")


def _check_decoder_inputs(model):
    for name in model.decoder.input_names:
        if name not in DECODER_INPUTS:
            raise ValueError(f"decoder input {name!r}; expected one of {list(DECODER_INPUTS)}")
    if model.encoder is not None and model.encoder.z_dims != model.z_dims:
        raise ValueError(
            f"the encoder makes z of {model.encoder.z_dims} channels, but the decoder takes "
            f"{model.z_dims or 'none'}"
        )


def _check_processor_inputs(model):
    made = model.decoder.output_sizes
    for name in model.processor_group.input_names:
        if name not in (*made, "f0_hz"):
            raise ValueError(
                f"the processors need {name!r}, but the decoder's outputs are {list(made)}"
            )
    for name, size in model.processor_group.input_sizes.items():
        if made.get(name, size) != size:
            raise ValueError(
                f"the processors take {size} {name}, but the decoder makes {made[name]}"
            )


def _check_instruments(model):
    for processor in model.processor_group.processors:
        theirs = tuple(getattr(processor, "instruments", ()))
        if theirs not in ((), model.instruments):
            raise ValueError(
                f"{processor.name}.instruments={theirs}, but the decoder's are {model.instruments}"
            )

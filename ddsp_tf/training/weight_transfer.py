"""Copying of weights from one model to another where they have the same meaning."""

from collections.abc import Mapping

import keras
import numpy as np

from ddsp_tf.models import Autoencoder
from ddsp_tf.models.ensemble import set_solo
from ddsp_tf.processors import Harmonic
from ddsp_tf.training.averaging import to_numpy
from ddsp_tf.training.variable_names import stable_names


def take_instruments(model: Autoencoder, base: Autoencoder) -> tuple[list[str], dict[str, str]]:
    """Copies weights as `take_weights` does, if either model has several instruments.

    Args:
        model: Built model to change. Each of its instruments takes the weights of the base's
            instrument of the same name, or the mean of the base's instruments.
        base: Built model to take weights from.

    Returns:
        As `take_weights`.
    """
    if not model.instruments:
        return take_weights(model, base.solo() if base.instruments else base)
    taken, new = [], {}
    for name in model.instruments:
        known = name if name in base.instruments else None
        plain = model.solo(name)
        taken, new = take_weights(plain, base.solo(known) if base.instruments else base)
        set_solo(model, name, plain)
    return taken, new


def take_weights(model: Autoencoder, base: Autoencoder) -> tuple[list[str], dict[str, str]]:
    """Copies the weights of another model where names, shapes and meanings agree.

    The outputs of the decoder are compared one by one. If the frame rates differ, the parts that
    look back in time keep their initial weights; if the sample rates differ, so do those that
    depend on frequencies relative to it: noise bands, frequency response and room.

    Args:
        model: Built model to change.
        base: Built model to take weights from.

    Returns:
        Tuple of the names of the weights and outputs that were copied, and a dictionary from each
        part that was not copied to the reason.
    """
    ours, theirs = _weights_by_name(model), _weights_by_name(base)
    taken, new = [], {}
    for name, weight in ours.items():
        found = theirs.get(name)
        reason = _changed_rate(model, base, name) or _difference(
            weight.shape, None if found is None else found.shape
        )
        if reason:
            new.setdefault(_part(name), reason)
        else:
            weight.assign(to_numpy(found))
            taken.append(name)
    outputs, changed = _take_outputs(model, base)
    return [*taken, *outputs], {**new, **changed}


def _weights_by_name(model: Autoencoder) -> dict[str, keras.Variable]:
    """Returns all weights except those of the decoder's last layer, by their place in the model."""
    layers = {"decoder": model.decoder}
    if model.encoder is not None:
        layers["encoder"] = model.encoder
    layers |= {f"processors/{one.name}": one for one in model.processor_group.processors}
    of_outputs = {id(weight) for weight in model.decoder.output_layer.weights}
    found = {}
    for place, layer in layers.items():
        weights = [weight for weight in layer.weights if id(weight) not in of_outputs]
        # The path before the layer's name depends on which layer was built first.
        paths = [f"/{weight.path}".rpartition(f"/{layer.name}/")[2] for weight in weights]
        found.update(zip(stable_names(place, paths), weights, strict=True))
    if model.z_dims:
        found["mean_z"] = model.mean_z
    return found


def _take_outputs(model: Autoencoder, base: Autoencoder) -> tuple[list[str], dict[str, str]]:
    """Copies the columns of the decoder's last layer, output by output."""
    ours, theirs = model.decoder, base.decoder
    values = [to_numpy(weight).copy() for weight in ours.output_layer.weights]
    sources = [to_numpy(weight) for weight in theirs.output_layer.weights]
    places, found = _columns(ours.output_sizes), _columns(theirs.output_sizes)
    taken, new = [], {}
    for name, place in places.items():
        sizes = ours.output_sizes[name], theirs.output_sizes.get(name)
        reason = _difference(values[0].shape[:1], sources[0].shape[:1])
        reason = reason or _difference(sizes[:1], sizes[1] and sizes[1:])
        if model.sample_rate != base.sample_rate and name not in _rate_free(model):
            reason = _rates("sample rate", base.sample_rate, model.sample_rate)
        if reason:
            new[name] = reason
            continue
        for value, source in zip(values, sources, strict=True):
            value[..., place] = source[..., found[name]]
        taken.append(name)
    for weight, value in zip(ours.output_layer.weights, values, strict=True):
        weight.assign(value)
    return taken, new


def _columns(sizes: Mapping[str, int]) -> dict[str, slice]:
    ends = np.cumsum(list(sizes.values()))
    pairs = zip(sizes.items(), ends, strict=True)
    return {name: slice(end - size, end) for (name, size), end in pairs}


def _changed_rate(model: Autoencoder, base: Autoencoder, name: str) -> str | None:
    """Describes a changed rate or scale that a weight depends on."""
    area, _, rest = name.partition("/")
    if area == "processors":
        ours, theirs = (_tap_scale(one, rest.partition("/")[0]) for one in (model, base))
        if ours != theirs and None not in (ours, theirs):
            return f"tap_scale {theirs:g}, here {ours:g}"
    if area in ("processors", "encoder") and model.sample_rate != base.sample_rate:
        return _rates("sample rate", base.sample_rate, model.sample_rate)
    looks_back = area == "encoder" or (area == "decoder" and "_stack/" not in name)
    if looks_back and model.frame_rate != base.frame_rate:
        return _rates("frame rate", base.frame_rate, model.frame_rate)
    return None


def _tap_scale(model: Autoencoder, name: str) -> float | None:
    """Returns the factor from the weights of a reverb to its response."""
    found = (one for one in model.processor_group.processors if one.name == name)
    return getattr(next(found, None), "tap_scale", None)


def _rate_free(model: Autoencoder) -> set[str]:
    """Returns the outputs with the same meaning at every sample rate: those for harmonics."""
    group = model.processor_group
    pairs = zip(group.processors, group.connections, strict=True)
    return {name for one, names in pairs if isinstance(one, Harmonic) for name in names}


def _part(name: str) -> str:
    """Returns the part that a weight belongs to: a processor, or a stack or layer of a network."""
    parts = name.split("/")
    return parts[min(1, len(parts) - 1)]


def _rates(kind: str, theirs: float, ours: float) -> str:
    return f"{kind} {theirs:g}, here {ours:g}"


def _difference(ours, theirs) -> str | None:
    """Describes the difference between two shapes, if any."""
    if theirs is None:
        return "not in it"
    if tuple(ours) == tuple(theirs):
        return None
    sizes = ["x".join(map(str, shape)) for shape in (theirs, ours)]
    return f"{sizes[0]}, here {sizes[1]}"

"""Export of the live page's streaming model: `stream.tflite` with the dry sound as well."""

from ddsp_tf.export.litert import convert
from ddsp_tf.export.model_functions import ModelFunctions, write_endpoints
from ddsp_tf.files.atomic import temporary_folder
from ddsp_tf.models import Autoencoder
from ddsp_tf.processors.convolution_reverb import ConvolutionReverb


def dry_stem(model: Autoencoder) -> str | None:
    """Returns the name of the signal that a model's room is added to.

    Args:
        model: Model, with or without a reverb at its end.

    Returns:
        Name of a stem; None if the last node is not a reverb that takes another node's signal.

    Example:
        >>> from ddsp_tf.configuration.experiment import load_experiment
        >>> dry_stem(load_experiment("demo").model)
        'dry'
    """
    group = model.processor_group
    if not isinstance(group.processors[-1], ConvolutionReverb):
        return None
    source = group.connections[-1][0]
    return source if source in {processor.name for processor in group.processors} else None


def live_stream(model: Autoencoder) -> bytes:
    """Converts a model as `stream.tflite` does, with an output "dry" if it has a room.

    Args:
        model: Model to convert, built.

    Returns:
        Content of a `.tflite` file, signature "step": see `write_litert`. "dry" [1, hop] is the
        audio without the room, equally delayed.

    Raises:
        UserError: If the model needs an operator that LiteRT does not have.
    """
    functions = ModelFunctions(model, block_frames=1)
    names, states, stem = functions.curve_names, list(functions.state_sizes), dry_stem(model)

    def step(*arguments):
        curves = dict(zip(names, arguments, strict=False))
        state = dict(zip(states, arguments[len(names) + 1 :], strict=True))
        signals, state = functions.step_signals(curves, arguments[len(names)], state)
        sounds = {"audio": signals[model.processor_group.processors[-1].name]}
        if stem is not None:
            sounds["dry"] = signals[stem]
        return {**sounds, **state}

    specs = [*functions.curve_specs(1, 1), functions.noise_spec(1, 1), *functions.state_specs(1)]
    with temporary_folder() as saved:
        write_endpoints({"step": (step, specs)}, saved)
        return convert(saved, "step", "stream.tflite")

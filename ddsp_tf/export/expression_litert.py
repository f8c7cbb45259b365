"""Export of the player's expression: the network that shapes notes."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from ddsp_tf.backend.execution import EXPORT, with_execution
from ddsp_tf.errors import UserError
from ddsp_tf.export.litert import convert
from ddsp_tf.export.model_functions import write_endpoints
from ddsp_tf.export.verification import TOLERANCE, agreement, open_interpreter
from ddsp_tf.expression.learned import LearnedExpression
from ddsp_tf.expression.network import NoteNetwork
from ddsp_tf.expression.note_curves import CURVES, note_curves
from ddsp_tf.features.transcription import Note
from ddsp_tf.inference.expression_files import NAME, read_expression

FILE = "expression.tflite"
SIGNATURE = "express"
STATE = "state_expression"
_EXAMPLE = (Note(0.1, 0.9, 62.0, -20.0), Note(0.9, 1.2, 65.0, -12.0), Note(1.4, 1.9, 57.0, -30.0))


def write_expression(source: Path, folder: Path) -> dict[str, float] | None:
    """Copies the player's expression, and writes its network as `expression.tflite`.

    The signature "express" takes the curves of `note_curves` for one frame by name, [1, 1] each,
    and the state, which is zero at the start. It returns "relative_db" and "cents", [1, 1] each,
    and the new state.

    Args:
        source: File to copy, `expression.npz`.
        folder: Existing folder to write to.

    Returns:
        Agreement of the file with the network (see `agreement`); None if the expression has no
        network.

    Raises:
        UserError: If the source is damaged, or the file's output differs from the network's.
    """
    expression = read_expression(source)
    shutil.copyfile(source, folder / NAME)
    if not isinstance(expression, LearnedExpression):
        return None
    network = with_execution(expression.network, EXPORT)
    names = (*CURVES, STATE)
    specs = [tf.TensorSpec([1, 1], tf.float32, name) for name in CURVES]
    specs.append(tf.TensorSpec([1, network.state_size], tf.float32, STATE))

    def express(*arguments):
        given = dict(zip(names, arguments, strict=True))
        moves, state = network(tf.stack([given[name] for name in CURVES], axis=-1), given[STATE])
        return {"relative_db": moves[:, :, 0], "cents": moves[:, :, 1], STATE: state}

    # Inside the folder, where it is removed even after a kill.
    with tempfile.TemporaryDirectory(dir=folder) as saved:
        write_endpoints({SIGNATURE: (express, specs)}, saved)
        (folder / FILE).write_bytes(convert(saved, SIGNATURE, FILE))
    return _verified(network, folder / FILE)


def _verified(network: NoteNetwork, path: Path) -> dict[str, float]:
    curves = note_curves(_EXAMPLE, 100, 200)
    expected = np.asarray(network(curves[None])[0])[0]
    runner = open_interpreter(path).get_signature_runner(SIGNATURE)
    state, moves = np.zeros((1, network.state_size), np.float32), []
    for frame in curves:
        values = {name: frame[k, None, None] for k, name in enumerate(CURVES)}
        outputs = runner(**values, **{STATE: state})
        state = outputs[STATE]
        moves.append(np.concatenate([outputs["relative_db"], outputs["cents"]], axis=1)[0])
    found = agreement(np.stack(moves), expected)
    # In dB and cents, whose largest values are about a hundred.
    limit = 100.0 * TOLERANCE
    if not found["largest_difference"] <= limit:
        raise UserError(
            f"{path.name}: the exported network differs from the original by "
            f"{found['largest_difference']:.2g}; expected at most {limit:g}"
        )
    return found

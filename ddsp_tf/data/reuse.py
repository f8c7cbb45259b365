"""What an earlier dataset in the same place already holds need not be measured again."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ddsp_tf.data.integrity import check_shard, read_index
from ddsp_tf.data.manifest import Manifest, Shard, load_manifest
from ddsp_tf.data.measuring import Task
from ddsp_tf.data.parts import Outcome, save_outcome
from ddsp_tf.data.records import stretches
from ddsp_tf.data.shards import copy_stretches
from ddsp_tf.errors import UserError
from ddsp_tf.version import __version__


def reuse(tasks: Sequence[Task], dataset: Path, folder: Path) -> None:
    """Takes outcomes from an earlier dataset.

    Only recordings of the same content and name are taken, and only if rates, tracker, all
    settings and the version of ddsp-tf are the same and the shards are intact, so that nothing
    tells what was taken from what is measured anew.

    Args:
        tasks: What is to be measured.
        dataset: The earlier dataset; there may be none.
        folder: Gets the outcomes, as `measure` leaves them.

    Raises:
        OSError: If the folder cannot be written.
    """
    manifest = _compatible(tasks, dataset)
    if manifest is None:
        return
    skipped = {(entry.source, entry.sha256): entry.reason for entry in manifest.skipped}
    recordings = {(entry.source, entry.sha256): entry for entry in manifest.recordings}
    index = _index(manifest)
    shards = [dataset / shard.name for shard in manifest.shards]
    intact: dict[int, bool] = {}
    for task in tasks:
        name = (task.source, task.sha256)
        records = folder / f".{task.key}.reused"
        if name in skipped:
            save_outcome(folder, task.key, Outcome(problem=skipped[name]), records)
        if name not in recordings or index is None:
            continue
        numbers = [k for k, file in enumerate(manifest.files) if file.source == task.source]
        rows = index[np.isin(index["file"], numbers)]
        rows = rows[np.argsort(rows["start_frame"])]
        for number in set(rows["shard"].tolist()) - set(intact):
            intact[number] = _is_intact(dataset, manifest.shards[number])
        if rows.size and all(intact[number] for number in rows["shard"].tolist()):
            new_rows = copy_stretches(
                records, stretches(rows), shards, rows, task.source, task.extractor
            )
            outcome = Outcome(recording=recordings[name], rows=new_rows)
            save_outcome(folder, task.key, outcome, records)


def _compatible(tasks: Sequence[Task], dataset: Path) -> Manifest | None:
    try:
        manifest = load_manifest(dataset)
    except UserError:
        return None
    same = (
        tasks
        and manifest.extractor == tasks[0].extractor.describe()
        and manifest.rules == tasks[0].rules.describe()
        and manifest.ddsp_tf_version == __version__
    )
    return manifest if same else None


def _index(manifest: Manifest) -> np.ndarray | None:
    try:
        return read_index(manifest)
    except UserError:
        return None


def _is_intact(folder: Path, shard: Shard) -> bool:
    try:
        check_shard(folder, shard)
    except UserError:
        return False
    return True

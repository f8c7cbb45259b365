"""Checks that datasets and a model fit together."""

from collections.abc import Sequence

from ddsp_tf.configuration.experiment import Experiment
from ddsp_tf.data.manifest import Manifest, check_same_extractor
from ddsp_tf.errors import UserError


def check_datasets(
    experiment: Experiment, manifests: Sequence[Manifest], names: Sequence[str], devices: int
) -> None:
    """Checks that a configuration can be trained on several datasets together.

    Args:
        experiment: Model and settings.
        manifests: Manifests of the datasets.
        names: Name of each dataset's instrument, if they have names.
        devices: Number of devices that divide a batch.

    Raises:
        UserError: If rates differ, the datasets were measured in different ways, the windows of
            loudness and level matching differ, the model has other instruments, two instruments
            have the same recordings, or the batch cannot be divided.
    """
    model, settings = experiment.model, experiment.training
    for manifest in manifests:
        manifest.check_rates(model.sample_rate, model.frame_rate)
        _check_loudness(model, manifest)
    check_same_extractor(manifests)
    owners: dict[str, str] = {}
    for manifest, name in zip(manifests, names, strict=False):
        if owners.setdefault(manifest.fingerprint, name) != name:
            raise UserError(
                f"{manifest.folder}: holds the same recordings for {owners[manifest.fingerprint]} "
                f"and {name}; expected recordings of its own for each instrument"
            )
    if set(names) != set(model.instruments):
        theirs = ", ".join(dict.fromkeys(names)) or "no names"
        ours = ", ".join(model.instruments) or "none"
        raise UserError(
            f"the datasets have {theirs}, the model has the instruments {ours}; expected a dataset "
            "NAME=FOLDER for each, and a configuration in which `instruments` reaches the decoder"
        )
    if settings.batch_size % devices:
        raise UserError(
            f"train.batch_size={settings.batch_size}: cannot be divided over {devices} devices"
        )


def _check_loudness(model, manifest):
    if model.level_matching is None or model.level_name != "loudness_db":
        return
    theirs = manifest.extractor["loudness_fft_size"]
    if theirs != model.level_matching.loudness_fft_size:
        raise UserError(
            f"{manifest.folder}: loudness_fft_size of the dataset is {theirs} but that of "
            f"LevelMatching is {model.level_matching.loudness_fft_size}; prepare the dataset again "
            "or change the model"
        )

"""Run folders without a training."""

from ddsp_tf.files.run_directory import RunDirectory


def make_run_record(run: RunDirectory, **entries) -> None:
    """Writes a run.json that is complete but for what a training would add."""
    nothing = {
        "config": "demo",
        "seed": 0,
        "steps": 0,
        "recordings": "",
        "dataset_fingerprint": "",
        "extractor": {},
        "feature_statistics": {},
    }
    run.update({**nothing, **entries})

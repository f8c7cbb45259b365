"""The pages of a climb: ladder.md to read, index.html to look at and listen to."""

from pathlib import Path

import jinja2
from gates import Result
from plan import Plan

from ddsp_tf.files.atomic import atomic_path
from ddsp_tf.version import __version__


def write_pages(out: Path, plan: Plan, results: list[Result]):
    """Writes both pages.

    Args:
        out: Folder of the results.
        plan: Plan of the climb.
        results: Results of the rungs so far.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=lambda name: name is not None and ".html" in name,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["number"] = lambda value: f"{value:.3g}"
    environment.filters["place"] = lambda path: path.relative_to(out).as_posix()
    values = {"plan": plan, "results": results, "machine": _machine(), "version": __version__}
    for template, name in (("ladder.md.j2", "ladder.md"), ("ladder.html.j2", "index.html")):
        with atomic_path(out / name) as temporary:
            temporary.write_text(environment.get_template(template).render(values), "utf-8")


def _machine() -> str:
    import os

    import keras

    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        gpus = [device.device_kind for device in jax.devices() if device.platform == "gpu"]
        version = f"JAX {jax.__version__}"
    else:
        import tensorflow as tf

        devices = tf.config.list_physical_devices("GPU")
        gpus = [tf.config.experimental.get_device_details(d).get("device_name") for d in devices]
        version = f"TensorFlow {tf.__version__}"
    where = ", ".join(map(str, gpus)) or f"{os.cpu_count()} CPU cores"
    return f"{where}, {version}, Keras {keras.__version__}"

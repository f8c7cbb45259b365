"""The example in docs/data.md reads a dataset without ddsp_tf."""

import re
from pathlib import Path

from ddsp_tf.data.manifest import load_manifest

PAGE = Path(__file__).parents[2] / "docs" / "data.md"


def test_example_reads_every_training_record(tiny_dataset, capsys):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert "ddsp_tf" not in code
    exec(code.replace("my_dataset", str(tiny_dataset)), {})
    files = load_manifest(tiny_dataset).files_of("train")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == sum(len(file.segments) for file in files)
    assert lines[0].startswith("melody_")

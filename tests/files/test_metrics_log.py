import pytest

from ddsp_tf.errors import UserError
from ddsp_tf.files.metrics_log import MetricsLog

COLUMNS = ("loss", "learning_rate", "magnitude", "validation_loss")


def test_rows_come_back_without_empty_cells(tmp_path):
    log = MetricsLog(tmp_path / "logs" / "metrics.csv", COLUMNS)
    log.append({"step": 0, "validation_loss": 9.5})
    log.append({"step": 5, "loss": 8.0, "learning_rate": 1e-4})
    assert MetricsLog(log.path).rows() == [
        {"step": 0, "validation_loss": 9.5},
        {"step": 5, "loss": 8.0, "learning_rate": 1e-4},
    ]
    steps, values = log.column("loss")
    assert (steps.tolist(), values.tolist()) == ([5], [8.0])
    assert log.column("magnitude")[0].size == 0


def test_forgetting_keeps_earlier_rows(tmp_path):
    log = MetricsLog(tmp_path / "metrics.csv", COLUMNS)
    for step in (1, 2, 3, 4):
        log.append({"step": step, "loss": float(step)})
    log.forget_after(2)
    assert [row["step"] for row in log.rows()] == [1, 2]
    log.append({"step": 3, "loss": 0.5})
    assert log.column("loss")[1].tolist() == [1.0, 2.0, 0.5]


def test_a_row_cut_short_by_a_kill_is_an_error_that_names_the_file(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("step,loss\n1,abc\n")
    with pytest.raises(UserError, match=r"metrics\.csv"):
        MetricsLog(path).rows()

"""The measurements of `processors.py` as rows, and as a Markdown page."""

from inputs import Size

COLUMNS = (
    "case",
    "forward ms",
    "original",
    "faster",
    "with gradient ms",
    "original",
    "faster",
    "of real time",
    "MiB",
    "original",
    "less",
)
_MISSING = "-"


def row(name: str, results: dict, size: Size) -> list[str]:
    """Formats the results of one case.

    Args:
        name: Name of the case.
        results: Results of `rival_workers.measure`: "ours", and possibly "original".
        size: Amount of audio.

    Returns:
        One string for each of `COLUMNS`.
    """
    ours, original = results["ours"], results.get("original", {})
    cells = [name]
    for kind in ("forward", "gradient"):
        cells += _pair(ours, original, kind, "ms")
    forward_ms = _value(ours, "forward", "ms")
    seconds = size.batch * size.seconds
    share = None if forward_ms is None else forward_ms / 1e3 / seconds
    return [*cells, _format(share), *_pair(ours, original, "gradient", "mib")]


def description(report: dict) -> list[str]:
    """Describes the machine and the versions of a report.

    Args:
        report: Report that `processors.py` writes as JSON.

    Returns:
        Lines of text.
    """
    lines = [f"{key}: {value}" for key, value in report["machine"].items()]
    lines += [f"backend: {report['backend']}, compiler: {report['compiler']}"]
    for name in ("ours", "original"):
        runs = [
            case[name]
            for entry in report["sizes"]
            for case in entry["cases"].values()
            if "versions" in case.get(name, {})
        ]
        if runs:
            versions = ", ".join(f"{key} {value}" for key, value in runs[0]["versions"].items())
            lines.append(f"{name}: {versions}, on {runs[0]['device']}")
    return lines


def markdown(report: dict) -> str:
    """Formats a report as a Markdown page.

    Args:
        report: Report that `processors.py` writes as JSON.

    Returns:
        The page's text.
    """
    lines = ["# Processors and loss", "", f"Measured on {report['date']}.", ""]
    lines += [f"- {line}" for line in description(report)]
    for entry in report["sizes"]:
        lines += ["", f"## {entry['title']}", ""]
        lines += ["| " + " | ".join(COLUMNS) + " |"]
        lines += ["| --- |" + " ---: |" * (len(COLUMNS) - 1)]
        for name, results in entry["cases"].items():
            lines += ["| " + " | ".join(row(name, results, Size(**entry["size"]))) + " |"]
    return "\n".join(lines) + "\n"


def _pair(ours: dict, original: dict, kind: str, key: str) -> list[str]:
    values = _value(ours, kind, key), _value(original, kind, key)
    ratio = None
    # Below a mebibyte, single pages of memory would decide the ratio.
    if None not in values and values[0] > (0.0 if key == "ms" else 1.0):
        ratio = values[1] / values[0]
    return [_format(values[0]), _format(values[1]), f"{_format(ratio)} x" if ratio else _MISSING]


def _value(result: dict, kind: str, key: str) -> float | None:
    return result.get(kind, {}).get(key)


def _format(value: float | None) -> str:
    if value is None:
        return _MISSING
    return f"{value:.0f}" if value >= 100 else f"{value:.2g}" if value < 10 else f"{value:.3g}"

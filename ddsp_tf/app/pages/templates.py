"""Self-contained HTML pages from templates."""

import base64
from pathlib import Path
from typing import Any

import jinja2

from ddsp_tf.evaluation.style import PANEL
from ddsp_tf.files.atomic import atomic_path
from ddsp_tf.files.names import printable


def write_page(path: Path, template: str, **content: Any) -> None:
    """Writes an HTML page.

    All content is escaped: text from the user is never interpreted as HTML. File names also pass
    through the filter `printable`.

    Args:
        path: HTML file to write.
        template: Name of a template in this package.
        **content: Values for the template.

    Raises:
        UserError: If the file cannot be written.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("ddsp_tf.app.pages", package_path="."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["printable"] = printable
    html = environment.get_template(template).render(panel=PANEL, **content)
    with atomic_path(path) as temporary:
        temporary.write_text(html, encoding="utf-8")


def data_uri(kind: str, content: bytes) -> str:
    """Returns a URI that contains a file.

    Args:
        kind: Media type of the file.
        content: Content of the file.

    Example:
        >>> data_uri("text/plain", b"hello")
        'data:text/plain;base64,aGVsbG8='
    """
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def png_uri(content: bytes) -> str:
    """Returns a URI that contains a PNG file."""
    return data_uri("image/png", content)

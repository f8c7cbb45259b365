"""A web server for browsers on the same machine."""

import http.server
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Thread

from ddsp_tf.errors import UserError


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Answers without logging, and keeps browsers from caching files that may change."""

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@contextmanager
def serving(folder: Path, port: int = 0) -> Iterator[str]:
    """Serves a folder to this machine only, while a block runs.

    Args:
        folder: Folder to serve.
        port: Port to listen on; 0 for any free port.

    Yields:
        Address, such as "http://localhost:8765/".

    Raises:
        UserError: If another program uses the port.
    """
    try:
        server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", port), partial(_Handler, directory=str(folder))
        )
    except OSError as error:
        raise UserError(
            f"port {port}: cannot be used ({error.strerror or error}); name another one, or 0 for "
            "any that is free"
        ) from error
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

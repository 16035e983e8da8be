"""A port of its own, for a few who ask now and then: whoever asks slowly, or with many at once, is hung up on."""

import logging
import socket
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_log = logging.getLogger(__name__)

_AT_ONCE = 64


class SidePort(ThreadingHTTPServer):
    """Serves until it is shut down. A connection may last `patience_seconds` altogether, however it passes them."""

    daemon_threads = True
    request_queue_size = _AT_ONCE
    patience_seconds = 10.0

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._places = threading.Semaphore(_AT_ONCE)
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        end = threading.Timer(self.patience_seconds, _hang_up, (request,))
        end.daemon = True
        end.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            end.cancel()
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - as the library has it
        """Whoever hangs up before the answer is no news."""
        if not isinstance(sys.exception(), OSError):
            _log.exception("a side port did not answer")


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):  # it may end at this very moment
        connection.shutdown(socket.SHUT_RDWR)

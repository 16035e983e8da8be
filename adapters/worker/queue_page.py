"""A page that shows the job queue, for people. It can only be read, so it asks nobody who they are."""

from collections.abc import Callable, Iterable
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler

import msgspec

from adapters.side_port import SidePort
from adapters.worker.queue import QUEUE
from order_service.domain.errors import DependencyUnavailable
from order_service.ports import JobsState

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="5">
<title>Job queue</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem }}
table {{ border-collapse: collapse; width: 100% }}
td, th {{ border-bottom: 1px solid #ccc; padding: .3rem .6rem; text-align: left; overflow-wrap: anywhere }}
</style>
<h1>Job queue</h1>
{body}
</html>
"""


class QueuePage(SidePort):
    """Serves `/`, `/state.json` and `/livez` until it is shut down. `read` may raise DependencyUnavailable."""

    def __init__(self, address: tuple[str, int], read: Callable[[], JobsState]) -> None:
        self.read = read
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: QueuePage
    server_version = "order-service"
    sys_version = ""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/livez":
            return self._answer(HTTPStatus.OK, "application/json", b'{"status":"ok"}')
        if path not in {"/", "/state.json"}:
            return self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"Only / and /state.json are here.\n")
        try:
            state = self.server.read()
        except DependencyUnavailable:
            return self._answer(HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", b"Redis does not answer.\n")
        if path == "/":
            return self._answer(HTTPStatus.OK, "text/html", rendered(state).encode())
        return self._answer(HTTPStatus.OK, "application/json", msgspec.json.encode(state))

    def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: who looks at the page is no news."""


def rendered(state: JobsState) -> str:
    counts = [(QUEUE, state.waiting, state.delayed, state.running, state.dead)]
    processes = [(each.id, f"{each.last_heard:%F %T}", each.taken) for each in state.processes]
    dead = [(f"{each.died_at:%F %T}", ", ".join(map(str, each.order_ids)), each.reason) for each in state.newest_dead]
    return _PAGE.format(
        body=_table("Jobs", ("queue", "waiting", "later", "running", "dead"), counts)
        + _table("Processes", ("process", "last heard (UTC)", "jobs taken"), processes)
        + _table("Died last", ("at (UTC)", "orders", "why"), dead)
    )


def _table(title: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows)
    return f"<h2>{escape(title)}</h2>\n<table><tr>{head}</tr>{body}</table>\n"

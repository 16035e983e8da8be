"""The API's process, `python -m composition.api`: with any number of workers.

It is granian's own command, and takes its options, such as `--workers 4`; those that it must have are set here.
"""

import asyncio
import logging
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from granian.cli import cli

from adapters.http.app import HttpEdge
from adapters.persistence.event_feed import SqlEventFeed
from adapters.telemetry.asgi import App, Message, Receive, Send
from composition.container import Resources
from composition.http import Http, http_app
from composition.keys import token_keys
from composition.process import container, leave_to_itself, resources, starting
from composition.settings import Settings
from composition.telemetry.counting import Telemetry, process_metrics
from composition.telemetry.exposing import exposed_for_all

_log = logging.getLogger(__name__)

_STOP_SECONDS = 10  # in which every request can be answered


class Api:
    """Builds itself when its worker starts, in the worker's own event loop, and closes with it."""

    def __init__(self) -> None:
        with starting() as settings:
            self._settings, self._resources = settings, _resources(settings)
        self._telemetry = Telemetry(process_metrics(), "api")
        self._open = AsyncExitStack()
        self._ending_streams: asyncio.Future[None] | None = None
        self._app: App | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._app is not None:
            await self._app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                opened = await self._open.enter_async_context(
                    container(self._settings, self._resources, self._telemetry, Http())
                )
                edge, feed = await opened.get(HttpEdge), await opened.get(SqlEventFeed)
                self._app = await http_app(opened, self._telemetry)
                asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._leave, edge, feed)
                leave_to_itself()
                _log.info("api is ready")
                await send({"type": "lifespan.startup.complete"})
            else:
                await self._open.aclose()
                await send({"type": "lifespan.shutdown.complete"})
                return

    def _leave(self, edge: HttpEdge, feed: SqlEventFeed) -> None:
        """Stops later, when nobody counts on it any more: granian hangs up on whoever is about to ask something."""
        if not edge.leaving.begun:
            edge.leaving.begun = True
            self._ending_streams = asyncio.ensure_future(feed.close())
            # SIGINT is left to granian, which takes it as it would have taken SIGTERM.
            asyncio.get_running_loop().call_later(
                self._settings.app_drain_seconds, signal.raise_signal, signal.SIGINT
            )


def _resources(settings: Settings) -> Resources:
    """Raises SettingsError, for keys that cannot be used as well: of a failed lifespan a server only makes a note."""
    found = resources(settings, "api")
    token_keys(settings, found.secret_key)
    return found


def serve(app: str) -> None:
    with starting() as settings:
        found = _resources(settings)  # a wrong setting is told once here, and not by each worker again and again
        options = [
            f"--host={settings.app_host}",
            f"--port={settings.app_port}",
            "--interface=asgi",
            "--no-ws",
            "--respawn-failed-workers",
            f"--workers-kill-timeout={settings.app_drain_seconds + _STOP_SECONDS}",
            "--backpressure=10000",  # idle streams are connections, too; the edge bounds what is worked on
            f"--log-config={Path(__file__).with_name('granian.json')}",
        ]
        with exposed_for_all("api", settings, found.database):
            cli([*options, *sys.argv[1:], app], auto_envvar_prefix="GRANIAN")


if __name__ == "__main__":
    serve("composition.api:app")
else:
    app = Api()

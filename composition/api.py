"""The API's process, `python -m composition.api`: with any number of workers.

It is granian's own command, and takes its options, such as `--workers 4`; those that it must have are set here.
"""

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from granian.cli import cli

from adapters.http.app import HttpEdge, HttpUseCases, create_app
from adapters.telemetry.tracing import Tracing
from composition.container import Resources
from composition.keys import token_keys
from composition.process import container, leave_to_itself, resources, starting
from composition.settings import Settings
from composition.telemetry import Telemetry, exposed_for_all, process_metrics
from composition.tracing import traced_http

# Wider than the framework's types, which leave the lifespan to the framework.
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Api:
    """Builds itself when its worker starts, in the worker's own event loop, and closes with it."""

    def __init__(self) -> None:
        with starting() as settings:
            self._settings, self._resources = settings, _resources(settings)
        self._telemetry = Telemetry(process_metrics(), "api")
        self._open = AsyncExitStack()
        self._app: Callable[[Any, Any, Any], Awaitable[None]] | None = None

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
                    container(self._settings, self._resources, self._telemetry)
                )
                app = create_app(await opened.get(HttpUseCases), await opened.get(HttpEdge))
                app = traced_http(app, await opened.get(Tracing))
                self._app = self._telemetry.around_http(app)
                leave_to_itself()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self._open.aclose()
                await send({"type": "lifespan.shutdown.complete"})
                return


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
            "--workers-kill-timeout=10",  # in which every request can be answered
            "--backpressure=10000",  # idle streams are connections, too; the edge bounds what is worked on
            f"--log-config={Path(__file__).with_name('granian.json')}",
        ]
        with exposed_for_all("api", settings, found.database):
            cli([*options, *sys.argv[1:], app], auto_envvar_prefix="GRANIAN")


if __name__ == "__main__":
    serve("composition.api:app")
else:
    app = Api()

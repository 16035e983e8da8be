"""The API's process: `granian --interface asgi composition.api:app`, with any number of workers."""

from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AsyncExitStack
from typing import Any

from adapters.http.app import HttpEdge, HttpUseCases, create_app
from composition.keys import token_keys
from composition.process import container, resources, tell_in_log
from composition.settings import read_settings

# Wider than the framework's types, which leave the lifespan to the framework.
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Api:
    """Builds itself when its worker starts, in the worker's own event loop, and closes with it."""

    def __init__(self) -> None:
        tell_in_log()
        self._settings = read_settings()
        self._resources = resources(self._settings)
        token_keys(self._settings, self._resources.secret_key)  # of a lifespan that fails a server only makes a note
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
                opened = await self._open.enter_async_context(container(self._settings, self._resources))
                self._app = create_app(await opened.get(HttpUseCases), await opened.get(HttpEdge))
                await send({"type": "lifespan.startup.complete"})
            else:
                await self._open.aclose()
                await send({"type": "lifespan.shutdown.complete"})
                return


app = Api()

"""A shop behind a real socket."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from granian.constants import Interfaces
from granian.server.embed import Server

from tests.http.shop import Shop

PATIENCE_SECONDS = 10


@dataclass(slots=True)
class Served:
    """A shop on a port, and whether the application has begun with the latest request, and ended it."""

    shop: Shop
    port: int
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.ended.clear()
        self.begun.set()
        try:
            await self.shop.app(scope, receive, send)
        finally:
            self.ended.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connection(self) -> "AbstractAsyncContextManager[Connection]":
        return connected(self.port)

    async def hung_up_on(self, *request: bytes) -> None:
        """Sends this, and breaks the connection once the application has begun with it. Returns when it has ended."""
        async with self.connection() as connection:
            self.begun.clear()
            await connection.send(*request)
            await asyncio.wait_for(self.begun.wait(), PATIENCE_SECONDS)
        await asyncio.wait_for(self.ended.wait(), PATIENCE_SECONDS)


@dataclass(slots=True)
class Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *parts: bytes) -> None:
        self.writer.write(b"".join(parts))
        await self.writer.drain()

    async def answer(self) -> httpx.Response:
        """One HTTP/1.1 answer with a Content-Length, or none where there can be no body."""
        return await asyncio.wait_for(self._answer(), PATIENCE_SECONDS)

    async def _answer(self) -> httpx.Response:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = [line.split(": ", 1) for line in head[1:] if line]
        length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
        body = await self.reader.readexactly(length)
        request = httpx.Request("GET", "http://shop.test/")
        return httpx.Response(
            int(head[0].split()[1]), headers=[(k, v) for k, v in headers], content=body, request=request
        )


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Connection]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Connection(reader, writer)
    finally:
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()


def a_free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


async def until_it_answers(port: int) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        while True:
            try:
                await client.get("/livez")
            except httpx.ConnectError:
                await asyncio.sleep(0)
            else:
                return


@asynccontextmanager
async def serving(shop: Shop) -> AsyncIterator[Served]:
    port = a_free_port()
    served = Served(shop, port)
    server = Server(served, port=port, interface=Interfaces.ASGINL, websockets=False, log_enabled=False)
    running = asyncio.create_task(server.serve())
    await asyncio.wait_for(until_it_answers(port), PATIENCE_SECONDS)
    yield served
    server.stop()  # type: ignore[no-untyped-call]  # granian has no annotation here
    await running

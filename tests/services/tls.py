"""Certificates made on the spot, and TLS before servers whose builds have none (the wheels' PostgreSQL and Redis)."""

import asyncio
import ssl
import struct
import subprocess
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.services.server import free_port

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_SSL_REQUEST = struct.pack("!ii", 8, 80877103)  # how a client of PostgreSQL asks whether there is TLS


class Authority:
    """Signs certificates; `certificate` is what a client has to trust."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self.certificate, self._key = folder / f"{name}.pem", folder / f"{name}.key"
        kind = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"]
        self._openssl("-subj", f"/CN={name}", *kind, "-keyout", str(self._key), "-out", str(self.certificate))

    def signed(self, subject: str, address: str) -> Path:
        """A file with a key and a certificate for the server at `address`, such as IP:127.0.0.1."""
        key, certificate = self._folder / f"{subject}.key", self._folder / f"{subject}.crt"
        signer = ["-CA", str(self.certificate), "-CAkey", str(self._key)]
        names = ["-subj", f"/CN={subject}", "-addext", f"subjectAltName={address}"]
        kind = ["-addext", "basicConstraints=critical,CA:FALSE", "-addext", "authorityKeyIdentifier=keyid"]
        self._openssl(*names, *kind, *signer, "-keyout", str(key), "-out", str(certificate))
        both = self._folder / f"{subject}.pem"
        both.write_text(key.read_text() + certificate.read_text())
        return both

    def _openssl(self, *arguments: str) -> None:
        """Without the system's configuration, which says of every certificate that it is an authority's."""
        config = self._folder / "openssl.cnf"
        config.write_text("[req]\ndistinguished_name = name\n[name]\n")
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        extensions = ["-config", str(config), "-addext", "subjectKeyIdentifier=hash"]
        subprocess.run(
            ["openssl", "req", "-x509", *extensions, *key, *arguments], check=True, capture_output=True, text=True
        )


class TlsFront:
    """Ends TLS at 127.0.0.1:`port`, and passes on what was said. Without TLS nobody gets in."""

    def __init__(
        self, certificate: Path, behind: Callable[[], Awaitable[Streams]], *, postgresql: bool = False
    ) -> None:
        """`postgresql`: whose clients ask for TLS in the clear first."""
        self.port = free_port()
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(certificate)
        self._behind, self._postgresql = behind, postgresql
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        at_once = None if self._postgresql else self._context
        serving = asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=at_once)
        self._server = asyncio.run_coroutine_threadsafe(serving, self._loop).result(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                if self._postgresql:
                    await self._start_tls(reader, writer)
                from_server, to_server = await self._behind()
                try:
                    await asyncio.gather(_pass_on(reader, to_server), _pass_on(from_server, writer))
                finally:
                    to_server.transport.abort()
        finally:
            writer.transport.abort()

    async def _start_tls(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readexactly(len(_SSL_REQUEST)) != _SSL_REQUEST:
            raise ConnectionRefusedError
        writer.write(b"S")
        await writer.drain()
        await writer.start_tls(self._context)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while heard := await reader.read(65536):
        writer.write(heard)
        await writer.drain()
    raise ConnectionResetError

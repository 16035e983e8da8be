"""What the commands have in common that use the service: its container, and a refusal in one line."""

import asyncio
import sys
from collections.abc import Awaitable, Callable

from dishka import AsyncContainer

from composition.container import Resources, make_container
from composition.database import ready_database
from composition.settings import Settings
from order_service.domain.errors import OrderServiceError


def carry_out(act: Callable[[AsyncContainer], Awaitable[None]], settings: Settings) -> int:
    """The exit code of the command: 1, and a line that says why, where the service refuses it."""
    with ready_database(settings) as url:

        async def run() -> None:
            opened = make_container(settings, Resources(database=url, secret_key=""))  # no token is made here
            try:
                await act(opened)
            finally:
                await opened.close()

        try:
            asyncio.run(run())
        except OrderServiceError as error:
            print(f"order-service: {error}", file=sys.stderr)
            return 1
    return 0

"""What is asked of everything that the service stands on: are you there?"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

Check = Callable[[], Awaitable[object]]
"""Returns when the dependency answers; raises when it does not."""

_log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 2.0


async def results_of(checks: Mapping[str, Check]) -> dict[str, str]:
    """Dependency name -> `ok` or `unavailable`, all asked at once."""
    return dict(zip(checks, await asyncio.gather(*(_result(*each) for each in checks.items())), strict=True))


async def _result(name: str, check: Check) -> str:
    try:
        await asyncio.wait_for(_made(check), _PATIENCE_SECONDS)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it: it is not ready
        _log.warning("%s is not ready: %r", name, error)
        return "unavailable"
    return "ok"


async def _made(check: Check) -> None:
    await check()

"""Is the process alive, and can it do its work?"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from litestar import MediaType, Request, Response, Router, get

from adapters.http.leaving import Leaving
from adapters.http.problems import answers, problem_response

Check = Callable[[], Awaitable[object]]
"""Returns when the dependency answers; raises when it does not."""

_log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 2.0


def health_router(checks: Mapping[str, Check], leaving: Leaving) -> Router:
    """`checks`: dependency name -> its check, all made at once and cut off after 2 s."""

    @get(
        "/livez",
        operation_id="is_alive",
        summary="Is the process alive?",
        description="It answers, so it is. Whatever it stands on is not asked.",
        media_type=MediaType.JSON,
    )
    async def livez() -> dict[str, str]:
        return {"status": "ok"}

    @get(
        "/readyz",
        operation_id="is_ready",
        summary="Can it do its work?",
        description="Asks everything it stands on, for 2 s at most. A process that is told to stop says no at once.",
        responses=answers({200: dict[str, Any]}, 503),
    )
    async def readyz(request: Request[Any, Any, Any]) -> Response[Any]:
        if leaving.begun:
            return problem_response(
                request, "dependency-unavailable", "This process is stopping.", {"retry_after": 1}
            )
        results = dict(zip(checks, await asyncio.gather(*(_result(*each) for each in checks.items())), strict=True))
        failing = [name for name, result in results.items() if result != "ok"]
        if not failing:
            return Response({"status": "ok", "checks": results})
        detail = f"{', '.join(failing)} does not answer."
        return problem_response(request, "dependency-unavailable", detail, {"retry_after": 1, "checks": results})

    return Router("/", route_handlers=[livez, readyz], tags=["Health"])


async def _result(name: str, check: Check) -> str:
    try:
        await asyncio.wait_for(_made(check), _PATIENCE_SECONDS)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it: it is not ready
        _log.warning("%s is not ready: %r", name, error)
        return "unavailable"
    return "ok"


async def _made(check: Check) -> None:
    await check()

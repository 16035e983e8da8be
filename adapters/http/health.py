"""Is the process alive, and can it do its work?"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Set
from typing import Any

from litestar import MediaType, Request, Response, Router, get

from adapters.http.leaving import Leaving
from adapters.http.problems import answers, problem_response

Check = Callable[[], Awaitable[object]]
"""Returns when the dependency answers; raises when it does not."""

_log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 2.0


def health_router(checks: Mapping[str, Check], required: Set[str], leaving: Leaving) -> Router:
    """`checks`: dependency name -> its check, all made at once and cut off after 2 s.

    Without one that is `required` the API cannot do its work at all; without another it does less.
    """

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
        description=(
            "Asks everything it stands on, for 2 s at most. `status` is `ok`, or `degraded` where something is gone "
            "that is not `required`: without Redis nobody can log in, but orders are placed and read, uncounted; "
            "without Kafka events are told later. Without what is required the answer is 503; and at once from a "
            "process that is told to stop."
        ),
        responses=answers({200: dict[str, Any]}, 503),
    )
    async def readyz(request: Request[Any, Any, Any]) -> Response[Any]:
        if leaving.begun:
            stopping = "This process is stopping."
            return problem_response(request, "dependency-unavailable", stopping, {"retry_after": 1})
        results = await results_of(checks)
        failing = [name for name, result in results.items() if result != "ok"]
        shown = {"checks": results, "required": sorted(required)}
        if required.isdisjoint(failing):
            return Response({"status": "degraded" if failing else "ok", **shown})
        detail = f"{', '.join(failing)} does not answer."
        return problem_response(request, "dependency-unavailable", detail, {"retry_after": 1, **shown})

    return Router("/", route_handlers=[livez, readyz], tags=["Health"])


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

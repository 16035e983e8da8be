"""Is the process alive, and can it do its work?"""

from collections.abc import Mapping, Set
from typing import Any

from litestar import MediaType, Request, Response, Router, get

from adapters.http.checks import Check, results_of
from adapters.http.leaving import Leaving
from adapters.http.problems import answers, problem_response


def health_router(checks: Mapping[str, Check], required: Set[str], leaving: Leaving) -> Router:
    """`checks`: dependency name -> its check, all made at once and cut off after 2 s.

    Without one that is `required` the API cannot do its work at all; without another it does less.
    A process that is `leaving` is not ready for anything new.
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
            "without Kafka events are told later. Without what is required the answer is 503, and "
            "so it is from a process that was told to stop."
        ),
        responses=answers({200: dict[str, Any]}, 503),
    )
    async def readyz(request: Request[Any, Any, Any]) -> Response[Any]:
        if leaving.begun:
            return problem_response(
                request, "dependency-unavailable", "This process is stopping.", {"retry_after": 1}
            )
        results = await results_of(checks)
        failing = [name for name, result in results.items() if result != "ok"]
        shown = {"checks": results, "required": sorted(required)}
        if required.isdisjoint(failing):
            return Response({"status": "degraded" if failing else "ok", **shown})
        detail = f"{', '.join(failing)} does not answer."
        return problem_response(request, "dependency-unavailable", detail, {"retry_after": 1, **shown})

    return Router("/", route_handlers=[livez, readyz], tags=["Health"])

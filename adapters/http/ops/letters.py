"""Messages that could not be handled, and what is done with one."""

from collections.abc import Sequence
from typing import Annotated

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, SkipValidation

from adapters.http.content import Checked, takes_form
from adapters.http.ops.overview import Watch
from adapters.http.ops.rendering import AnyRequest, By, SomePages, see_other
from order_service.domain.errors import DependencyUnavailable
from order_service.use_cases.dismiss_letter import DismissLetter
from order_service.use_cases.list_dead_letters import ListDeadLetters, ListedLetter
from order_service.use_cases.redrive_letter import RedriveLetter

_AT_ONCE = 100
_DONE = {
    "redriven": "The letter is back where it came from, and will be heard again.",
    "dismissed": "The letter waits no longer.",
}


@get("/letters")
async def letters(
    request: AnyRequest,
    pages: SomePages,
    by: By,
    list_dead_letters: NamedDependency[ListDeadLetters],
    watch: NamedDependency[SkipValidation[Watch]],
    done: Annotated[str, QueryParameter(max_length=20)] = "",
) -> Response[bytes]:
    found: Sequence[ListedLetter] | None
    try:
        found = sorted(await list_dead_letters(limit=_AT_ONCE, by=by), key=lambda listed: listed.is_settled)
    except DependencyUnavailable:  # the page is there all the same, and says so
        found = None
    return pages.page(
        request,
        "letters.html",
        letters=found,
        most=_AT_ONCE,
        is_shared=watch.is_shared("kafka"),
        done=_DONE.get(done),
    )


@get(["/letters/{partition:int}/{offset:int}/redrive", "/letters/{partition:int}/{offset:int}/dismiss"])
async def ask_to_settle(
    partition: FromPath[int],
    offset: FromPath[int],
    request: AnyRequest,
    pages: SomePages,
    by: By,
    list_dead_letters: NamedDependency[ListDeadLetters],
) -> Response[bytes]:
    listed = await list_dead_letters.one(partition, offset, by=by)
    deed = request.url.path.rpartition("/")[2]
    return pages.page(request, f"letter_{deed}.html", listed=listed)


@post("/letters/{partition:int}/{offset:int}/redrive", middleware=[Checked(takes_form)])
async def redrive(
    partition: FromPath[int], offset: FromPath[int], by: By, redrive_letter: NamedDependency[RedriveLetter]
) -> Response[bytes]:
    await redrive_letter(partition, offset, by=by)
    return see_other("/ops/letters?done=redriven")


@post("/letters/{partition:int}/{offset:int}/dismiss", middleware=[Checked(takes_form)])
async def dismiss(
    partition: FromPath[int], offset: FromPath[int], by: By, dismiss_letter: NamedDependency[DismissLetter]
) -> Response[bytes]:
    await dismiss_letter(partition, offset, by=by)
    return see_other("/ops/letters?done=dismissed")


ROUTES = [letters, ask_to_settle, redrive, dismiss]

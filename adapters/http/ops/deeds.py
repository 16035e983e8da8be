"""Who did what with the machinery."""

from litestar import Response, get
from litestar.di import NamedDependency

from adapters.http.ops.rendering import AnyRequest, By, SomePages
from order_service.use_cases.list_deeds import ListDeeds

_AT_ONCE = 200


@get("/deeds")
async def deeds(
    request: AnyRequest,
    pages: SomePages,
    by: By,
    list_deeds: NamedDependency[ListDeeds],
) -> Response[bytes]:
    return pages.page(request, "deeds.html", deeds=await list_deeds(limit=_AT_ONCE, by=by), most=_AT_ONCE)


ROUTES = [deeds]

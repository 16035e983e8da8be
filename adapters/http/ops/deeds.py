"""Who did what with the machinery."""

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from adapters.http.ops.rendering import Pages
from order_service.domain.actor import Actor
from order_service.use_cases.list_deeds import ListDeeds

_AT_ONCE = 200


@get("/deeds")
async def deeds(
    request: Request[Any, Any, Any],
    pages: NamedDependency[SkipValidation[Pages]],
    by: NamedDependency[Actor],
    list_deeds: NamedDependency[ListDeeds],
) -> Response[bytes]:
    return pages.page(request, "deeds.html", deeds=await list_deeds(limit=_AT_ONCE, by=by), most=_AT_ONCE)


ROUTES = [deeds]

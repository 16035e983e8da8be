"""What every list has in common: where a page begins, how long it is, and where the next one is."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlencode

from litestar.params import QueryParameter

Cursor = Annotated[str | None, QueryParameter(description="next_cursor of the page before.", max_length=500)]
Limit = Annotated[int, QueryParameter(ge=1, le=100)]


def next_page(path: str, given: Mapping[str, object], **place: str | None) -> dict[str, str]:
    """A Link header to the next page, if there is one: the same question, from another place."""
    if None in place.values():
        return {}
    query = urlencode({name: value for name, value in {**given, **place}.items() if value is not None})
    return {"Link": f'<{path}?{query}>; rel="next"'}

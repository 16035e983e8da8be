"""What the `type` of a problem document leads to, for people."""

import html
import re

from litestar import get
from litestar.enums import MediaType
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from adapters.http.problems import PROBLEMS

_STYLE = (
    "html{color-scheme:light dark}"
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}"
)
_NAMED = re.compile("`([^`]+)`")


@get("/problems", include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=False)
def problem_list() -> str:
    kinds = "".join(
        f'<li><a href="/problems/{code}"><code>{code}</code></a> {problem.status}, {html.escape(problem.title)}</li>'
        for code, problem in PROBLEMS.items()
    )
    return _page("Problems", f"<p>How the service refuses.</p><ul>{kinds}</ul>")


@get("/problems/{code:str}", include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=False)
def problem_page(code: FromPath[str]) -> str:
    problem = PROBLEMS.get(code)
    if problem is None:
        raise NotFoundException
    advice = _NAMED.sub(r"<code>\1</code>", html.escape(problem.advice))
    links = '<p><a href="/problems">All problems</a>, <a href="/docs">the API</a></p>'
    return _page(problem.title, f"<p>Status {problem.status}, <code>{code}</code>.</p><p>{advice}</p>{links}")


def _page(title: str, body: str) -> str:
    """`body` is HTML."""
    title = html.escape(title)
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{title}</title><style>{_STYLE}</style><h1>{title}</h1>{body}"
    )

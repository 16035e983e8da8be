"""What the pages are made of beside HTML: a style sheet, htmx, and a few lines of our own."""

import hashlib
from pathlib import Path

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from adapters.http.as_is import AsIs

_FOLDER = Path(__file__).parent
_FILES = {
    "ops.css": ("assets/ops.css", "text/css; charset=utf-8"),
    "ops.js": ("assets/ops.js", "text/javascript; charset=utf-8"),
    "icon.svg": ("assets/icon.svg", "image/svg+xml"),
    "htmx.min.js": ("htmx/htmx.min.js", "text/javascript; charset=utf-8"),
}
_CONTENTS = {name: ((_FOLDER / path).read_bytes(), kind) for name, (path, kind) in _FILES.items()}
_VERSIONS = {name: hashlib.sha256(content).hexdigest()[:12] for name, (content, _) in _CONTENTS.items()}

_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}


def address_of(name: str) -> str:
    """With what it contains in its name, so that a browser keeps it until there is another."""
    return f"/ops/assets/{_VERSIONS[name]}/{name}"


@get("/assets/{asset_version:str}/{name:str}", sync_to_thread=False)
def asset(asset_version: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    if name not in _CONTENTS or _VERSIONS[name] != asset_version:
        raise NotFoundException
    content, kind = _CONTENTS[name]
    return AsIs(content, media_type=kind, headers=_FOR_EVER)

"""The headers that say on which conditions a request is meant: ETags and idempotency keys."""

import hashlib
import re
from typing import Annotated, Any

import msgspec
from litestar import Request
from litestar.exceptions import ClientException
from litestar.params import HeaderParameter

from order_service.use_cases.idempotency import IdempotencyKey

_A_KEY = r'"[!-~]{1,255}"|[!#-~][!-~]{0,254}'
_DESCRIBED_TAG = r'(W/)?"[!#-~]*"'
_TAGS_OR_ANY = rf"^(\*|{_DESCRIBED_TAG}( ?, ?{_DESCRIBED_TAG})*)$"

IdempotencyKeyHeader = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        description="Makes a repetition harmless: one key, one effect.",
        schema_extra={"pattern": f"^({_A_KEY})$"},
    ),
]
IfMatch = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match",
        description='Only if it is at this version, such as `"3"`.',
        schema_extra={"pattern": _TAGS_OR_ANY, "examples": ['"1"']},
    ),
]
IfNoneMatch = Annotated[
    str | None,
    HeaderParameter(
        name="If-None-Match",
        description='Only if it is at another version than `"3"`.',
        schema_extra={"pattern": _TAGS_OR_ANY, "examples": ['"1"']},
    ),
]

_TAG = r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"'
_ONE_TAG = re.compile(_TAG)
_TAGS = re.compile(rf"[\s,]*{_TAG}\s*(?:,[\s,]*{_TAG}\s*)*[\s,]*")  # empty elements are to be ignored
_KEY = re.compile(_A_KEY)


def etag(version: int) -> str:
    return f'"{version}"'


def expected_versions(if_match: str | None) -> frozenset[int] | None:
    """What `If-Match` allows: None for any version (no header, or `*`), else one of these.

    Tags are compared strongly (RFC 9110): a weak one, or one that we never gave, matches no version at all.
    """
    tags = _tags("If-Match", if_match)
    return None if tags is None else frozenset(version for weak, version in tags if not weak and version)


def already_has(if_none_match: str | None, version: int) -> bool:
    """Whether `If-None-Match` names this version, compared weakly."""
    if if_none_match is None or if_none_match == etag(version):
        return if_none_match is not None
    tags = _tags("If-None-Match", if_none_match)
    return tags is None or any(known == version for _, known in tags)


def idempotency_key(
    header: str | None, request: Request[Any, Any, Any], body: msgspec.Struct | None = None
) -> IdempotencyKey | None:
    """The `Idempotency-Key`, bare or quoted, with a fingerprint of all that the request asks for."""
    if header is None:
        return None
    if not _KEY.fullmatch(header):
        raise ClientException("Idempotency-Key must have 1 to 255 visible ASCII characters, bare or in quotes.")
    key = header[1:-1] if header.startswith('"') else header
    path = request.scope.get("root_path", "") + request.scope["path"]
    asked = f"{request.method} {path}\n".encode() + msgspec.json.encode(body, order="sorted")
    return IdempotencyKey(key=key, fingerprint=hashlib.sha256(asked).digest())


def _tags(name: str, text: str | None) -> list[tuple[bool, int]] | None:
    """(weak, version) of each tag, version 0 for one that we never gave; None if there is no header, or for `*`."""
    if text is None or text.strip() == "*":
        return None
    if not _TAGS.fullmatch(text):
        raise ClientException(f'{name} must be `*` or entity tags such as "1".')
    return [(bool(weak), _version(tag)) for weak, tag in _ONE_TAG.findall(text)]


def _version(tag: str) -> int:
    return int(tag) if tag.isascii() and tag.isdecimal() and len(tag) < 10 and tag[0] != "0" else 0

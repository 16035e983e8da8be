"""Page cursors: opaque to clients, and signed, so that only ours work, and only for the list they were made for."""

import base64
import hashlib
import hmac
from typing import TypeVar
from uuid import UUID

import msgspec

from order_service.domain.errors import BadCursor
from order_service.ports import LogPlace, PageStart

_SIGNATURE_BYTES = 16

Place = TypeVar("Place", PageStart, LogPlace, UUID)


class Cursors:
    """`made_for` says which list a cursor belongs to: who asks, and with which filter."""

    def __init__(self, secret_key: str) -> None:
        self._key = hashlib.sha256(b"page cursor\0" + secret_key.encode()).digest()

    def write(self, start: PageStart | LogPlace | UUID, *, made_for: object) -> str:
        place = msgspec.json.encode(start)
        return base64.urlsafe_b64encode(self._signature(place, made_for) + place).rstrip(b"=").decode()

    def read(self, cursor: str, kind: type[Place], *, made_for: object) -> Place:
        """The place that was written, of its `kind`. Raises BadCursor."""
        try:
            signed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            signature, place = signed[:_SIGNATURE_BYTES], signed[_SIGNATURE_BYTES:]
            if not hmac.compare_digest(signature, self._signature(place, made_for)):
                raise BadCursor
            return msgspec.json.decode(place, type=kind)
        except ValueError as error:  # not base64, not ASCII, or not what we put in
            raise BadCursor from error

    def _signature(self, place: bytes, made_for: object) -> bytes:
        message = place + b"\0" + msgspec.json.encode(made_for, order="sorted")
        return hmac.digest(self._key, message, "sha256")[:_SIGNATURE_BYTES]

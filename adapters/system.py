"""Time and names from the machine we run on."""

import secrets
from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from order_service.domain.ids import ORDER_NUMBER_BITS, order_number
from order_service.domain.secret import SECRET_BYTES


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class RandomIds:
    def new(self) -> UUID:
        return uuid7()

    def new_order_number(self) -> str:
        return order_number(secrets.randbits(ORDER_NUMBER_BITS))

    def new_secret(self) -> bytes:
        return secrets.token_bytes(SECRET_BYTES)

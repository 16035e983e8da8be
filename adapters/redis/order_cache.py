"""The order cache in Redis, shared by every process."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from redis.asyncio import Redis

from adapters.redis.connection import GONE
from order_service.views import RenderedOrder

_log = logging.getLogger(__name__)

# A value is the mark of this format, eight bytes of version, sixteen of the customer's id, and the body; or a lease:
# the word and its holder. Anything else is not ours: it is not read, and written over.
_MARK = b"order1"
_BODY_AT = len(_MARK) + 8 + 16
_LEASE = b"lease:"
_LEASE_MILLISECONDS = 2_000
_POLL_SECONDS = 0.005
_POLLS = 20
_MOST_OWED = 10_000

# KEYS: order. ARGV: value, seconds to live, the lease that must still be there ('' for none).
# Writes unless a version at least as new is there. With a lease, only if that is still there: once it is lost (Redis
# wiped, a writer faster) nobody can say whether what was loaded is the newest.
_WRITE = """
local known = redis.pcall('GET', KEYS[1])
if ARGV[3] ~= '' then
  if known ~= ARGV[3] then return 0 end
elseif type(known) == 'string' and #known >= 30 and string.sub(known, 1, 6) == 'order1'
    and struct.unpack('>I8', known, 7) >= struct.unpack('>I8', ARGV[1], 7) then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
"""

# KEYS: order. ARGV: a lease, its milliseconds. Gives what is there; if nothing is, leaves the lease.
_LOOK_OR_LEASE = """
local known = redis.call('GET', KEYS[1])
if not known then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return known
"""


class RedisOrderCache:
    """Orders as bytes, ready to send. Whatever is wrong with Redis, an order can be read: slower, never wrong.

    Of many readers who miss at once one gets a lease and loads for all of them; the others wait a little for it.
    """

    def __init__(self, redis: Redis, *, seconds_to_live: int) -> None:
        self._redis = redis
        self._seconds = seconds_to_live
        self._write = redis.register_script(_WRITE)
        self._look_or_lease = redis.register_script(_LOOK_OR_LEASE)
        # What could not be written while Redis was away: until it is, Redis may hold an older version.
        self._owed: dict[UUID, RenderedOrder] = {}
        self._paying: asyncio.Task[None] | None = None

    async def get(self, order_id: UUID, load: Callable[[], Awaitable[RenderedOrder]]) -> RenderedOrder:
        if order_id in self._owed:
            return await load()
        lease = _LEASE + secrets.token_bytes(12)
        try:
            known = await self._read_or_lease(order_id, lease)
        except GONE as error:
            _log.warning("order cache: %s", error)
            return await load()
        if known is not None:
            return known
        order = await load()
        try:
            await self._write(keys=[_key(order_id)], args=[_packed(order), self._seconds, lease])
        except GONE as error:  # nothing is lost: the next reader loads again
            _log.warning("order cache: %s", error)
        return order

    async def put(self, order: RenderedOrder) -> None:
        try:
            await self._write(keys=[_key(order.order_id)], args=[_packed(order), self._seconds, b""])
        except GONE as error:
            _log.warning("order cache: %s", error)
            self._owe(order)

    async def _read_or_lease(self, order_id: UUID, lease: bytes) -> RenderedOrder | None:
        """The order, if it is there or comes soon; else None, with the lease taken if nobody had it."""
        key = _key(order_id)
        value: Any = await self._redis.get(key)
        if value is None:
            value = await self._look_or_lease(keys=[key], args=[lease, _LEASE_MILLISECONDS])
        for _ in range(_POLLS):
            if value is None or not value.startswith(_LEASE):
                break
            await asyncio.sleep(_POLL_SECONDS)
            value = await self._redis.get(key)
        return None if value is None or value.startswith(_LEASE) else _unpacked(order_id, value)

    def _owe(self, order: RenderedOrder) -> None:
        owed = self._owed.get(order.order_id)
        if owed is None or owed.version < order.version:
            self._owed[order.order_id] = order
        if len(self._owed) > _MOST_OWED:
            self._owed.pop(next(iter(self._owed)))  # its entry expires by itself
        if self._paying is None or self._paying.done():
            self._paying = asyncio.create_task(self._pay())

    async def _pay(self) -> None:
        """Writes what is owed, for as long as it takes Redis to come back."""
        while self._owed:
            order_id, order = next(iter(self._owed.items()))
            try:
                await self._write(keys=[_key(order_id)], args=[_packed(order), self._seconds, b""])
            except GONE:
                if (late := self._owed.pop(order_id, None)) is not None:
                    self._owed[order_id] = late  # the others first: it may be this one alone that cannot be written
                await asyncio.sleep(1)
                continue
            if self._owed.get(order_id) is order:
                del self._owed[order_id]


def _key(order_id: UUID) -> bytes:
    return b"order:" + order_id.bytes


def _packed(order: RenderedOrder) -> bytes:
    return _MARK + order.version.to_bytes(8, "big") + order.customer_id.bytes + order.body


def _unpacked(order_id: UUID, value: bytes) -> RenderedOrder | None:
    """None for what is no order of ours."""
    if len(value) < _BODY_AT or not value.startswith(_MARK):
        return None
    version, customer_id = value[len(_MARK) : len(_MARK) + 8], value[len(_MARK) + 8 : _BODY_AT]
    return RenderedOrder(order_id, UUID(bytes=customer_id), int.from_bytes(version, "big"), value[_BODY_AT:])

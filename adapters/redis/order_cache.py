"""The order cache in Redis, shared by every process."""

import asyncio
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from typing import Any
from uuid import UUID

from redis.asyncio import Redis

from adapters.gathering import Gathering
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
_PROBE_SECONDS = 0.1
_GRACE_SECONDS = 1.0
_MOST_AT_ONCE = 1_000
_MOST_GATHERED = 64

# KEYS: order. ARGV: value, seconds to live, lease.
# Only the holder of the lease fills an empty place: whoever else comes late, with a version that has been followed by
# others, would bring it back after Redis was wiped.
_FILL = """
if redis.call('GET', KEYS[1]) ~= ARGV[3] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
"""

# KEYS: orders. ARGV: seconds to live, and for each order its value.
# Replaces an older version. Anything else but a newer one goes: a lease, whose holder may have loaded too early, and
# what is not ours.
_REPLACE = """
for number, key in ipairs(KEYS) do
  local known, value = redis.pcall('GET', key), ARGV[number + 1]
  if known then
    if type(known) ~= 'string' or #known < 30 or string.sub(known, 1, 6) ~= 'order1' then
      redis.call('DEL', key)
    elseif struct.unpack('>I8', known, 7) < struct.unpack('>I8', value, 7) then
      redis.call('SET', key, value, 'EX', ARGV[1])
    end
  end
end
"""

# KEYS: order. ARGV: a lease, its milliseconds. Gives what is there of ours; if nothing is, leaves the lease.
_LOOK_OR_LEASE = """
local known = redis.pcall('GET', KEYS[1])
if type(known) == 'string' and (string.sub(known, 1, 6) == 'order1' or string.sub(known, 1, 6) == 'lease:') then
  return known
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return false
"""


class RedisOrderCache:
    """Orders as bytes, ready to send. Whatever is wrong with Redis, an order can be read: slower, never wrong.

    Of many readers who miss at once one gets a lease and loads for all of them; the others wait a little for it.

    Once Redis does not answer, this process goes around it until it does, and then deletes the orders of which it
    could not write a newer version. It reads from Redis again a little later still, when the other processes that
    were cut off have done the same.
    """

    def __init__(self, redis: Redis, *, seconds_to_live: int) -> None:
        self._redis = redis
        self._seconds = seconds_to_live
        self._known: Gathering[bytes, Any] = Gathering(redis.mget, most=_MOST_GATHERED, at_once=2)
        self._fill = redis.register_script(_FILL)
        self._replace_all = redis.register_script(_REPLACE)
        self._replace: Gathering[RenderedOrder, None] = Gathering(self._replaced, most=_MOST_GATHERED, at_once=2)
        self._look_or_lease = redis.register_script(_LOOK_OR_LEASE)
        # Keys that may hold an older version, and since when.
        self._outdated: OrderedDict[bytes, float] = OrderedDict()
        self._recovering: asyncio.Task[None] | None = None
        self._reads_from = 0.0

    @property
    def is_bypassed(self) -> bool:
        return self._recovering is not None

    async def get(self, order_id: UUID, load: Callable[[], Awaitable[RenderedOrder]]) -> RenderedOrder:
        if self._recovering is not None or time.monotonic() < self._reads_from:
            return await load()
        lease = _LEASE + secrets.token_bytes(12)
        try:
            known = await self._read_or_lease(order_id, lease)
        except GONE as error:
            self._go_around(error)
            return await load()
        if known is not None:
            return known
        order = await load()
        try:
            await self._fill(keys=[_key(order_id)], args=[_packed(order), self._seconds, lease])
        except GONE as error:  # nothing is lost: the next reader loads again
            self._go_around(error)
        return order

    async def put(self, order: RenderedOrder) -> None:
        key = _key(order.order_id)
        if self._recovering is None:
            try:
                await self._replace(order)
            except GONE as error:
                self._go_around(error)
            else:
                return
        self._note_outdated(key)

    async def _replaced(self, orders: Sequence[RenderedOrder]) -> Sequence[None]:
        keys = [_key(order.order_id) for order in orders]
        await self._replace_all(keys=keys, args=[self._seconds, *map(_packed, orders)])
        return [None] * len(orders)

    async def _read_or_lease(self, order_id: UUID, lease: bytes) -> RenderedOrder | None:
        """The order, if it is there or comes soon; else None, with the lease taken if nobody had it."""
        key = _key(order_id)
        value = await self._known(key)
        if value is None or not value.startswith((_MARK, _LEASE)):
            value = await self._look_or_lease(keys=[key], args=[lease, _LEASE_MILLISECONDS])
        for _ in range(_POLLS):
            if value is None or not value.startswith(_LEASE):
                break
            await asyncio.sleep(_POLL_SECONDS)
            value = await self._known(key)
        return None if value is None or value.startswith(_LEASE) else _unpacked(order_id, value)

    def _go_around(self, error: Exception) -> None:
        if self._recovering is None:
            _log.warning("order cache: %s", error)
            self._recovering = asyncio.create_task(self._recover())

    async def _recover(self) -> None:
        while True:
            outdated, self._outdated = self._outdated, OrderedDict()
            try:
                await self._redis.ping()
                keys = iter(outdated)
                while some := list(islice(keys, _MOST_AT_ONCE)):
                    await self._redis.unlink(*some)
            except GONE:
                self._outdated = outdated | self._outdated
                await asyncio.sleep(_PROBE_SECONDS)
                continue
            if not self._outdated:
                break
        self._recovering = None
        self._reads_from = time.monotonic() + _GRACE_SECONDS

    def _note_outdated(self, key: bytes) -> None:
        now = time.monotonic()
        self._outdated.pop(key, None)
        self._outdated[key] = now
        for known, since in list(islice(self._outdated.items(), 2)):
            if since + self._seconds < now:  # expired by itself
                del self._outdated[known]


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

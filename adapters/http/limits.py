"""How often somebody may ask: per account where there is one, else per client address."""

import math
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

from litestar import Request
from litestar.types import Scope

from adapters.http.before import Before
from adapters.http.problems import RATE_LIMIT, extended
from order_service.domain.actor import Bearer
from order_service.domain.errors import RateLimited
from order_service.ports import Quota, RateLimiter

Networks = Sequence[IPv4Network | IPv6Network]

_ORIGIN = "origin"


class RateLimit(Before):
    """Behind `Authentication`, if that is there at all. What is left stands in the scope, and the edge tells it."""

    def __init__(self, limiter: RateLimiter, quota: Quota, proxies: Networks) -> None:
        self._limiter = limiter
        self._quota = quota
        self._proxies = proxies
        policy = f'"{quota.name}";q={quota.limit};w={quota.window.total_seconds():.0f}'
        self._policy = (b"ratelimit-policy", policy.encode())

    async def look(self, scope: Scope) -> None:
        extended(scope)[_ORIGIN] = _network_of(client_address(scope, self._proxies))
        allowance = await self._limiter.take(self._quota, _subject(scope))
        state = f'"{self._quota.name}";r={allowance.remaining};t={max(1, math.ceil(allowance.reset))}'
        extended(scope)[RATE_LIMIT] = (self._policy, (b"ratelimit", state.encode()))
        if not allowance.allowed:
            raise RateLimited(allowance.retry_after)


def current_origin(request: Request[Any, Any, Any]) -> str:
    """Where a request comes from, behind `RateLimit`: the client's address, or the network it may choose one of."""
    origin: str = extended(request.scope)[_ORIGIN]
    return origin


def _subject(scope: Scope) -> str:
    bearer = scope.get("auth")
    if isinstance(bearer, Bearer):
        return f"account:{bearer.actor.id}"
    return f"address:{extended(scope)[_ORIGIN]}"


@lru_cache(1_000)
def _network_of(address: str) -> str:
    """Of IPv6 everybody is given 2^64 addresses at least, to use one after the other."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or IPv6Network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)


def client_address(scope: Scope, proxies: Networks) -> str:
    """The nearest address that is no proxy of ours: what stands behind it in X-Forwarded-For anybody can write."""
    client = scope["client"]
    address = client[0] if client else ""
    forwarded = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    hops = [hop.strip() for value in forwarded for hop in value.split(",")]
    while hops and _is_one_of(address, proxies):
        address = hops.pop()
    return address


def comes_by_proxy(scope: Scope, proxies: Networks) -> bool:
    """Whether a proxy of ours handed the request over, so that what it says of it is to be believed."""
    client = scope["client"]
    return client is not None and _is_one_of(client[0], proxies)


def _is_one_of(address: str, networks: Networks) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)

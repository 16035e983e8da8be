"""The rate limiter in the process itself."""

import time
from collections import OrderedDict
from collections.abc import Callable

from order_service.ports import Allowance, Quota

_MOST_SUBJECTS = 100_000


class InProcessRateLimiter:
    """The generic cell rate algorithm: one number per subject, the time at which its allowance is whole again."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._whole_again: OrderedDict[tuple[str, str], float] = OrderedDict()

    async def take(self, quota: Quota, subject: str) -> Allowance:
        now, key = self._now(), (quota.name, subject)
        window = quota.window.total_seconds()
        cost = window / quota.limit
        start = max(self._whole_again.get(key, now), now)
        if start + cost - now > window + 1e-9:
            return Allowance(allowed=False, remaining=0, retry_after=start + cost - now - window, reset=start - now)
        self._whole_again[key] = start + cost
        self._whole_again.move_to_end(key)
        if len(self._whole_again) > _MOST_SUBJECTS:
            self._whole_again.popitem(last=False)
        left = window - (start + cost - now)
        return Allowance(allowed=True, remaining=int(left / cost + 1e-9), retry_after=0, reset=start + cost - now)

    async def give_back(self, quota: Quota, subject: str) -> None:
        key = (quota.name, subject)
        if key in self._whole_again:
            self._whole_again[key] -= quota.window.total_seconds() / quota.limit

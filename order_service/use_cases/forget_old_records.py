"""Forget what was only kept to recognize repetitions, and log-ins that are over."""

from datetime import timedelta

from order_service.ports import Clock, OldRecords

KEEP_ANSWERS = timedelta(days=2)  # clients are promised 24 hours
KEEP_MESSAGES = timedelta(days=30)  # longer than the broker keeps a message that could come again
KEEP_SESSIONS = timedelta(days=1)  # longer than an access token lives that was given out at the last moment


class ForgetOldRecords:
    """The service itself, from time to time."""

    def __init__(self, records: OldRecords, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    async def __call__(self) -> int:
        """How many records were forgotten."""
        now = self._clock.now()
        return await self._records.forget(
            answered_before=now - KEEP_ANSWERS, heard_before=now - KEEP_MESSAGES, expired_before=now - KEEP_SESSIONS
        )

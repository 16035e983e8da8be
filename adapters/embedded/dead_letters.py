"""Without Kafka nothing is heard, so nothing is left unheard."""

from collections.abc import Mapping, Sequence

from order_service.domain.errors import DeadLetterNotFound
from order_service.ports import DeadLetter


class NoDeadLetters:
    async def newest(self, _: int) -> Sequence[DeadLetter]:
        return ()

    async def get(self, _: int, __: int) -> DeadLetter:
        raise DeadLetterNotFound

    async def extent(self) -> Mapping[int, tuple[int, int]]:
        return {}

    async def put_back(self, _: DeadLetter) -> None:
        raise DeadLetterNotFound

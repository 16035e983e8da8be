"""Requests and messages that took effect already, in memory."""

from uuid import UUID

from order_service.domain.errors import IdempotencyKeyTaken, MessageKnown
from order_service.ports import AnsweredRequest
from tests.in_memory.store import Committed, Store
from tests.in_memory.system import others_run


class InMemoryAnsweredRequests:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._staged: list[tuple[tuple[UUID, str], AnsweredRequest]] = []

    async def find(self, subject: UUID, key: str) -> AnsweredRequest | None:
        await others_run()
        return self._store.committed.answered.get((subject, key))

    def remember(self, subject: UUID, key: str, answered: AnsweredRequest) -> None:
        self._staged.append(((subject, key), answered))

    def write(self, draft: Committed) -> None:
        for key, answered in self._staged:
            if key in draft.answered:
                raise IdempotencyKeyTaken
            draft.answered[key] = answered


class InMemoryInbox:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._staged: list[tuple[str, str]] = []

    async def has(self, consumer: str, message_id: str) -> bool:
        await others_run()
        return (consumer, message_id) in self._store.committed.messages

    def add(self, consumer: str, message_id: str) -> None:
        self._staged.append((consumer, message_id))

    def write(self, draft: Committed) -> None:
        for message in self._staged:
            if message in draft.messages:
                raise MessageKnown
            draft.messages.add(message)

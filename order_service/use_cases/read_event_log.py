"""Read the whole event log, to repair what a consumer has lost."""

from collections.abc import Collection
from dataclasses import dataclass

from order_service.domain.actor import Actor, ActorKind, Scope
from order_service.domain.errors import NotAllowed
from order_service.ports import EventArchive, LogPage, LogPlace


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadEventLogQuery:
    by: Actor
    start: LogPlace | None = None
    types: Collection[str] = ()
    limit: int = 100


class ReadEventLog:
    """Admins and services: every event there is, in the order in which they were committed.

    Raises NotAllowed, InsufficientScope, CursorExpired.

    A page may be empty and still not be the last, when events of other types lie between.
    """

    def __init__(self, archive: EventArchive) -> None:
        self._archive = archive

    async def __call__(self, query: ReadEventLogQuery) -> LogPage:
        if query.by.kind not in {ActorKind.ADMIN, ActorKind.SERVICE}:
            raise NotAllowed(f"A {query.by.kind} may not read the event log.")
        query.by.require(Scope.EVENTS_READ)
        return await self._archive.page(query.start, types=query.types, limit=query.limit)

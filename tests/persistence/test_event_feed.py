"""What the feed of events does for all who listen."""

from contextvars import ContextVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.persistence.event_feed import SqlEventFeed
from order_service.ports import LogPosition
from tests.fleet.waiting import until

REQUEST: ContextVar[str | None] = ContextVar("request", default=None)


async def test_the_feed_does_not_go_on_in_the_request_of_the_first_who_listens(engine: AsyncEngine) -> None:
    read_for: list[str | None] = []

    class Feed(SqlEventFeed):
        async def _tell(self, connection: AsyncConnection, place: LogPosition) -> LogPosition:
            read_for.append(REQUEST.get())
            return await super()._tell(connection, place)

    async def has_read() -> bool:
        return bool(read_for)

    REQUEST.set("ann's")
    async with Feed(engine).follow(UUID(int=1)):
        await until(has_read)
    assert set(read_for) == {None}

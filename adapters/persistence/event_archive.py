"""The event log for whoever wants to read it again."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, exists, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.documents import Row
from adapters.persistence.event_log import SETTLED, THIS_CLUSTER, behind, logged, pair, standing_at
from adapters.persistence.failures import in_domain_words
from adapters.persistence.tables import detached_logs, order_events
from order_service.domain.errors import CursorExpired
from order_service.ports import LogPage, LogPlace, LogPosition

_MOST_LOOKED_AT = 10_000
"""So that a page of rare types costs no more than others: it may be short, or empty, and the next goes on behind."""


_LAST_DETACHED = tuple_(detached_logs.c.tx_id, detached_logs.c.position)


class SqlEventArchive:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def page(self, start: LogPlace | None, *, types: Collection[str], limit: int) -> LogPage:
        here = LogPosition(0, 0) if start is None else start.at
        looked_at = _MOST_LOOKED_AT if types else limit
        in_order = (order_events.c.tx_id, order_events.c.position)
        window = select(*in_order, order_events.c.type).where(behind(here), SETTLED)
        window_rows = window.order_by(*in_order).limit(looked_at)
        with in_domain_words():
            async with self._engine.connect() as connection:
                origin, is_cut_off = (await connection.execute(select(THIS_CLUSTER, _cut_off_behind(here)))).one()
                if start is not None and (start.origin != origin or is_cut_off):
                    raise CursorExpired
                places = (await connection.execute(window_rows)).all()
                told = [place for place in places if not types or place.type in types][:limit]
                wanted = [LogPosition(place.tx_id, place.position) for place in told]
                rows: Sequence[Row] = ()
                if wanted:
                    events = select(order_events).where(standing_at(wanted)).order_by(*in_order)
                    rows = (await connection.execute(events)).mappings().all()
        seen_all = len(wanted) < limit
        last = places[-1:] if seen_all else wanted[-1:]
        return LogPage(
            events=[logged(row) for row in rows],
            next_start=LogPlace(origin, LogPosition(last[0].tx_id, last[0].position) if last else here),
            is_last=seen_all and len(places) < looked_at,
        )


def _cut_off_behind(place: LogPosition) -> ColumnElement[bool]:
    """Whether there was more behind this place than there is now."""
    return exists().where(pair(place) < _LAST_DETACHED)

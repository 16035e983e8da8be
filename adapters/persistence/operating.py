"""Who did what with the machinery, and which dead letters wait no longer."""

from collections.abc import Mapping, Sequence

from sqlalchemy import ARRAY, and_, cast, false, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.failures import in_domain_words
from adapters.persistence.tables import deeds, settled_letters
from order_service.domain.actor import Actor, ActorKind
from order_service.ports import Deed, LetterOutcome, LetterPlace, Settlement

_PLACE = (settled_letters.c.partition, settled_letters.c.offset, settled_letters.c.died_at)


class SqlDeeds:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add(self, deed: Deed) -> None:
        row = {
            "id": deed.id,
            "at": deed.at,
            "actor_kind": deed.by.kind,
            "actor_id": deed.by.id,
            "what": deed.what,
            "subject": deed.subject,
        }
        with in_domain_words():
            async with self._engine.begin() as connection:
                await connection.execute(insert(deeds).values(row))

    async def newest(self, limit: int) -> Sequence[Deed]:
        with in_domain_words():
            async with self._engine.connect() as connection:
                rows = (await connection.execute(select(deeds).order_by(deeds.c.id.desc()).limit(limit))).all()
        return [
            Deed(
                id=row.id,
                at=row.at,
                by=Actor(ActorKind(row.actor_kind), row.actor_id),
                what=row.what,
                subject=row.subject,
            )
            for row in rows
        ]


class SqlSettledLetters:
    """`topic`: that of the dead letters."""

    def __init__(self, engine: AsyncEngine, *, topic: str) -> None:
        self._engine = engine
        self._topic = topic

    async def among(self, places: Sequence[LetterPlace]) -> Mapping[LetterPlace, Settlement]:
        if not places:
            return {}
        # A list for each column: however many places there are, these are three parameters.
        lists = zip(*((place.partition, place.offset, place.died_at) for place in places), strict=True)
        columns = [cast(values, ARRAY(column.type)) for column, values in zip(_PLACE, lists, strict=True)]
        asked = func.unnest(*columns).table_valued(*(column.name for column in _PLACE)).render_derived()
        found = select(settled_letters).where(
            settled_letters.c.topic == self._topic, tuple_(*_PLACE).in_(select(asked))
        )
        with in_domain_words():
            async with self._engine.connect() as connection:
                rows = (await connection.execute(found)).all()
        return {
            LetterPlace(row.partition, row.offset, row.died_at): Settlement(
                how=LetterOutcome(row.how), by=Actor(ActorKind(row.actor_kind), row.actor_id), at=row.settled_at
            )
            for row in rows
        }

    async def count(self, extent: Mapping[int, tuple[int, int]]) -> int:
        partition, offset = settled_letters.c.partition, settled_letters.c.offset
        kept = [and_(partition == number, offset >= first, offset < end) for number, (first, end) in extent.items()]
        found = select(func.count()).where(settled_letters.c.topic == self._topic, or_(false(), *kept))
        with in_domain_words():
            async with self._engine.connect() as connection:
                return int(await connection.scalar(found) or 0)

    async def add(self, place: LetterPlace, settlement: Settlement) -> None:
        row = {
            "topic": self._topic,
            "partition": place.partition,
            "offset": place.offset,
            "died_at": place.died_at,
            "how": settlement.how,
            "settled_at": settlement.at,
            "actor_kind": settlement.by.kind,
            "actor_id": settlement.by.id,
        }
        with in_domain_words():
            async with self._engine.begin() as connection:
                await connection.execute(insert(settled_letters).values(row).on_conflict_do_nothing())

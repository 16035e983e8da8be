"""What is kept in PostgreSQL, and read from there: which part stands in for which port."""

from collections.abc import AsyncIterator

from dishka import AnyOf, Provider, Scope, provide
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.account_views import SqlAccountViews
from adapters.persistence.event_archive import SqlEventArchive
from adapters.persistence.event_feed import SqlEventFeed
from adapters.persistence.event_log import SqlEventLog
from adapters.persistence.gathered_reads import GatheredReads
from adapters.persistence.leases import SqlLeases
from adapters.persistence.log_partitions import SqlLogPartitions
from adapters.persistence.once import SqlOldRecords
from adapters.persistence.operating import SqlDeeds, SqlSettledLetters
from adapters.persistence.order_views import SqlOrderViews
from adapters.persistence.transaction import SqlTransactions
from adapters.telemetry.contexts import current_trace
from adapters.telemetry.tracing import Tracing
from composition.settings import Settings
from composition.telemetry.tracing import query_spans
from order_service import ports


class Persistence(Provider):
    scope = Scope.APP

    log = provide(SqlEventLog, provides=AnyOf[SqlEventLog, ports.EventLog])
    archive = provide(SqlEventArchive, provides=ports.EventArchive)
    leases = provide(SqlLeases, provides=ports.Leases)
    partitions = provide(SqlLogPartitions, provides=ports.LogPartitions)
    old_records = provide(SqlOldRecords, provides=ports.OldRecords)
    deeds = provide(SqlDeeds, provides=ports.Deeds)

    @provide
    def reads(self, engine: AsyncEngine, tracing: Tracing) -> GatheredReads:
        return GatheredReads(engine, query_spans(tracing))

    @provide
    def settled(self, engine: AsyncEngine, settings: Settings) -> ports.SettledLetters:
        return SqlSettledLetters(engine, topic=settings.dead_letter_topic)

    @provide
    def views(self, engine: AsyncEngine, reads: GatheredReads, tracing: Tracing) -> ports.OrderViews:
        return SqlOrderViews(engine, reads, around=query_spans(tracing))

    @provide
    def account_views(self, engine: AsyncEngine, tracing: Tracing) -> ports.AccountViews:
        return SqlAccountViews(engine, around=query_spans(tracing))

    @provide
    async def transactions(
        self, engine: AsyncEngine, reads: GatheredReads, tracing: Tracing
    ) -> AsyncIterator[ports.Transactions]:
        transactions = SqlTransactions(engine, reads, current_trace=current_trace, around=query_spans(tracing))
        yield transactions
        await transactions.close()

    @provide
    async def feed(self, engine: AsyncEngine) -> AsyncIterator[AnyOf[SqlEventFeed, ports.EventFeed]]:
        feed = SqlEventFeed(engine)
        yield feed
        await feed.close()

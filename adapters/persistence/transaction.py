"""One transaction: what is staged in it is written by `commit`, all of it or nothing.

Most read without locks, and then write one order: they need no transaction of the database's own. Each read sees what
is committed by then, as it would inside of one (READ COMMITTED), and the write is a group commit's, which finds out
itself whether what was read still holds.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.accounts import SqlAccounts
from adapters.persistence.connecting import Around, Connecting, CurrentTrace
from adapters.persistence.erasing import SqlErasing
from adapters.persistence.failures import in_domain_words
from adapters.persistence.gathered_reads import GatheredReads
from adapters.persistence.group_commit import GroupCommit, StagedOrder
from adapters.persistence.group_log_in import GroupLogIn, StagedSession
from adapters.persistence.once import SqlAnsweredRequests, SqlInbox
from adapters.persistence.orders import SqlOrders
from adapters.persistence.services import SqlServices
from adapters.persistence.sessions import SqlSessions
from order_service.ports import Transaction


class SqlTransaction:
    def __init__(
        self,
        connection: Connecting,
        reads: GatheredReads,
        group_commit: GroupCommit,
        group_log_in: GroupLogIn,
        *,
        current_trace: CurrentTrace,
        around: Around,
    ) -> None:
        self._connection = connection
        self._around = around
        self._group_commit = group_commit
        self._group_log_in = group_log_in
        self.orders = SqlOrders(connection, reads, current_trace)
        self.accounts = SqlAccounts(connection, reads)
        self.sessions = SqlSessions(connection)
        self.services = SqlServices(connection)
        self.answered = SqlAnsweredRequests(connection, reads)
        self.inbox = SqlInbox(connection, reads)
        self.erasing = SqlErasing(connection)

    async def commit(self) -> None:
        with in_domain_words(), self._around("COMMIT"):
            if not await self._is_written_with_others():
                await self._write()
                await self._connection.commit()

    async def flush(self) -> None:
        with in_domain_words():
            await self._write()

    async def _is_written_with_others(self) -> bool:
        if (change := self._only_change()) is not None:
            return await self._group_commit(change)
        if (session := self._only_session()) is not None:
            return await self._group_log_in(session)
        return False

    def _only_session(self) -> StagedSession | None:
        """Of a log-in, if that is all there is."""
        others = (self.orders, self.accounts, self.services, self.answered, self.inbox)
        if self._connection.is_open or self.accounts.kept or any(part.has_staged for part in others):
            return None
        return self.sessions.only_begun()

    def _only_change(self) -> StagedOrder | None:
        """What a group commit can write, if that is all there is."""
        change, kept = self.orders.only_change(), self.accounts.kept
        answered, heard = self.answered.staged, self.inbox.staged
        others = (self.accounts, self.sessions, self.services)
        if (
            change is None
            or self._connection.is_open
            or any(part.has_staged for part in others)
            or len(kept) > 1
            or len(answered) + len(heard) > 1
            or (heard and change.loaded_version == 0)
        ):
            return None
        return replace(
            change,
            kept=kept[0] if kept else None,
            answered=answered[0] if answered else None,
            heard=heard[0] if heard else None,
        )

    async def _write(self) -> None:
        # Accounts first, then known orders, as their locks are taken: who waits for one must not hold what its holder
        # may need. Then the records that settle races, and new orders last: a repeated request would meet its own
        # external_ref.
        await self.accounts.hold_kept()
        await self.orders.write_changed()
        await self.answered.write()
        await self.inbox.write()
        await self.accounts.write()
        await self.sessions.write()
        await self.services.write()
        await self.orders.write_new()


class SqlTransactions:
    """What changes an order writes `current_trace` to the log, with each event."""

    def __init__(
        self,
        engine: AsyncEngine,
        reads: GatheredReads | None = None,
        *,
        current_trace: CurrentTrace = lambda: None,
        around: Around = nullcontext,
    ) -> None:
        self._engine = engine
        self._current_trace = current_trace
        self._around = around
        self._reads = reads or GatheredReads(engine)
        self._group_commit = GroupCommit(engine)
        self._group_log_in = GroupLogIn(engine)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        with in_domain_words():
            async with AsyncExitStack() as until:
                yield SqlTransaction(
                    Connecting(self._engine, until, self._around),
                    self._reads,
                    self._group_commit,
                    self._group_log_in,
                    current_trace=self._current_trace,
                    around=self._around,
                )

    async def close(self) -> None:
        """Waits for what is being committed."""
        await self._group_commit.close()
        await self._group_log_in.close()

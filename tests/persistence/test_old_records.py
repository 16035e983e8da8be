"""What is remembered of requests and messages is forgotten when it is old enough, and not before."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.persistence.once import SqlOldRecords
from adapters.persistence.transaction import SqlTransactions
from order_service.domain.account import Account
from order_service.domain.session import Session

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
A_DAY = timedelta(days=1)

REMEMBER = text("""
    WITH answered AS (
        INSERT INTO idempotency (subject, key, fingerprint, order_id, version, created_at)
        SELECT gen_random_uuid(), 'key ' || n, '', gen_random_uuid(), 1, CAST(:at AS timestamptz)
        FROM generate_series(1, :number) n
    )
    INSERT INTO inbox (consumer, message_id, received_at)
    SELECT 'payments', :name || n, CAST(:at AS timestamptz) FROM generate_series(1, :number) n
""")


async def test_the_old_ones_go_however_many_there_are_and_the_others_stay(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(REMEMBER, {"at": NOW - 2 * A_DAY, "number": 5_001, "name": "old "})
        await connection.execute(REMEMBER, {"at": NOW, "number": 3, "name": "new "})
    records = SqlOldRecords(engine)
    assert (
        await records.forget(answered_before=NOW - A_DAY, heard_before=NOW - 3 * A_DAY, expired_before=NOW - A_DAY)
        == 5_001
    )
    assert (
        await records.forget(answered_before=NOW - A_DAY, heard_before=NOW - A_DAY, expired_before=NOW - A_DAY)
        == 5_001
    )
    assert (
        await records.forget(answered_before=NOW - A_DAY, heard_before=NOW - A_DAY, expired_before=NOW - A_DAY) == 0
    )
    async with engine.connect() as connection:
        for table in ("idempotency", "inbox"):
            assert await connection.scalar(text(f"SELECT count(*) FROM {table}")) == 3


async def test_sessions_that_have_expired_go(engine: AsyncEngine) -> None:
    account = Account.register(id=uuid4(), email="ann@example.com", password_hash="", at=NOW)
    async with SqlTransactions(engine).begin() as tx:
        tx.accounts.add(account)
        for lifetime in (A_DAY, 3 * A_DAY):
            session = Session.begin(
                id=uuid4(), account_id=account.id, secret=b"", at=NOW - 3 * A_DAY, lifetime=lifetime
            )
            tx.sessions.add(session, of=account)
        await tx.commit()
    records = SqlOldRecords(engine)
    before = NOW - A_DAY
    assert await records.forget(answered_before=before, heard_before=before, expired_before=before) == 1

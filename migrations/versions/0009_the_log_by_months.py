"""The log by months, and when tables that grow are vacuumed

The event log becomes a partitioned table, and the log that is there its first partition: no row of it is rewritten.
It is first proven, beside those who write, that the first partition may hold all that is in it; then tables change
places, in a moment in which everybody waits. Processes of the release before go on working.

Revision ID: 0009
Revises: 0008
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from alembic import op

from adapters.persistence.column_types import JsonText, Xid8

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

MONTHS_AHEAD = 2
TIME_TO_TRY_AGAIN = timedelta(days=28)

# Rows of the log are never changed (but by an erasure), so a vacuum that comes for new rows can freeze them at once,
# and no later one has to read them again. By default it comes after a fifth of the table is new, which in a month of
# millions is late: until then nothing is known of which pages all may see.
OF_A_PARTITION = (
    "autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05, "
    "autovacuum_freeze_min_age = 0"
)

# By default a fifth of a table must be dead before it is vacuumed: of five million orders a million. Each is changed
# some five times, always in a column that has an index: no fillfactor makes these changes HOT. But with room on the
# page the new version takes the place of the one before the last, which is pruned in passing: after five changes of
# each of 3,000 orders, without a vacuum, there were 2,202 pages with a fillfactor of 85, 3,272 with 100. Answered
# requests and heard messages are written once and deleted once, and the next deletion begins in the index where the
# dead ones of the last one are.
OF_TABLES = {
    "orders": {
        "fillfactor": "85",
        "autovacuum_vacuum_scale_factor": "0.02",
        "autovacuum_analyze_scale_factor": "0.02",
    },
    "idempotency": {"autovacuum_vacuum_scale_factor": "0.05"},
    "inbox": {"autovacuum_vacuum_scale_factor": "0.05"},
}

COLUMNS = "position, tx_id, id, aggregatetype, aggregateid, seq, type, payload, headers, occurred_at"
COMMENT = "Append-only: outbox, history and replay in one. Column names are those of Debezium's outbox router."


def upgrade() -> None:
    # What is placed until this is done belongs to the first partition as well. The constraint stays if the lock below
    # is not to be had: there must be time to try again before orders are placed that it refuses.
    until = month_after((datetime.now(UTC) + TIME_TO_TRY_AGAIN).date())
    first = f"order_events_before_{until:%Y_%m}"
    prove_that_all_is_before(until)
    op.execute("SET LOCAL lock_timeout = '10s'")  # whoever holds it longer: better to be told, and to try again
    op.execute("LOCK TABLE order_events IN ACCESS EXCLUSIVE MODE")
    rename_table("order_events", first)
    op.execute(f"ALTER TABLE {first} RENAME CONSTRAINT pk_order_events TO pk_{first}")
    op.execute(f"ALTER TABLE {first} RENAME CONSTRAINT uq_order_events_aggregateid_seq TO uq_{first}_aggregateid_seq")
    op.execute(f"ALTER INDEX ix_order_events_tx_id_position RENAME TO ix_{first}_tx_id_position")
    create_table("order_events", postgresql_partition_by="RANGE (aggregateid)")
    op.create_unique_constraint(op.f("uq_order_events_aggregateid_seq"), "order_events", ["aggregateid", "seq"])
    op.create_index("ix_order_events_tx_id_position", "order_events", ["tx_id", "position"])
    count_on(first, "order_events")
    op.execute(f"ALTER TABLE {first} ALTER position DROP IDENTITY")
    make_partition("order_events_default")
    op.execute(f"""
        WITH moved AS (DELETE FROM {first} WHERE aggregateid >= '{first_id(until)}' RETURNING {COLUMNS})
        INSERT INTO order_events_default ({COLUMNS}) SELECT {COLUMNS} FROM moved
    """)
    op.execute("ALTER TABLE order_events ATTACH PARTITION order_events_default DEFAULT")
    op.execute(
        f"ALTER TABLE order_events ATTACH PARTITION {first} FOR VALUES FROM (MINVALUE) TO ('{first_id(until)}')"
    )
    op.execute(f"ALTER TABLE {first} DROP CONSTRAINT ck_order_events_first")
    op.execute(f"ALTER TABLE {first} SET ({OF_A_PARTITION})")
    make_months_from(until)
    op.create_table(
        "detached_logs",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "orders_before", sa.Uuid(), nullable=False, comment="the log of orders with lower ids may not be whole"
        ),
        sa.Column("tx_id", Xid8(), nullable=False, comment="where in the log its last event stood"),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("detached_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_detached_logs")),
        comment="Partitions that were taken out of the event log; the tables themselves are the operator's.",
    )
    for table, settings in OF_TABLES.items():
        op.execute(f"ALTER TABLE {table} SET ({', '.join(f'{name} = {value}' for name, value in settings.items())})")


def downgrade() -> None:
    """One table again, with all that is attached. It is written anew, and whoever writes waits for that long."""
    for table, settings in OF_TABLES.items():
        op.execute(f"ALTER TABLE {table} RESET ({', '.join(settings)})")
    op.drop_table("detached_logs")
    op.execute("LOCK TABLE order_events IN ACCESS EXCLUSIVE MODE")
    create_table("one_log")
    op.execute(f"""
        INSERT INTO one_log ({COLUMNS}) OVERRIDING SYSTEM VALUE SELECT {COLUMNS} FROM order_events ORDER BY position
    """)
    count_on("order_events", "one_log")
    op.drop_table("order_events")
    rename_table("one_log", "order_events")
    op.create_primary_key(op.f("pk_order_events"), "order_events", ["position"])
    op.create_unique_constraint(op.f("uq_order_events_aggregateid_seq"), "order_events", ["aggregateid", "seq"])
    op.create_index("ix_order_events_tx_id_position", "order_events", ["tx_id", "position"])


def prove_that_all_is_before(until: date) -> None:
    """Else all of it would be read while everybody waits; as it is if ids that are no time have to move first."""
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE order_events DROP CONSTRAINT IF EXISTS ck_order_events_first")  # of a try before
        op.execute(f"""
            ALTER TABLE order_events
            ADD CONSTRAINT ck_order_events_first CHECK (aggregateid < '{first_id(until)}') NOT VALID
        """)
        op.execute(f"""
            DO $$ BEGIN
                IF NOT EXISTS (SELECT FROM order_events WHERE aggregateid >= '{first_id(until)}') THEN
                    ALTER TABLE order_events VALIDATE CONSTRAINT ck_order_events_first;
                END IF;
            END $$
        """)


def rename_table(former: str, name: str) -> None:
    """With the names of its NOT NULLs, which PostgreSQL 18 made of the table's."""
    op.rename_table(former, name)
    op.execute(f"""
        DO $$ DECLARE is_named name; BEGIN
            FOR is_named IN
                SELECT conname FROM pg_constraint WHERE conrelid = '{name}'::regclass AND conname LIKE '%_not_null'
            LOOP
                EXECUTE format(
                    'ALTER TABLE {name} RENAME CONSTRAINT %I TO %I', is_named, replace(is_named, '{former}', '{name}')
                );
            END LOOP;
        END $$
    """)


def create_table(name: str, **options: str) -> None:
    op.create_table(
        name,
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("tx_id", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("aggregatetype", sa.Text(), nullable=False),
        sa.Column("aggregateid", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("payload", JsonText(), nullable=False, comment="the message: order, change, seq, actor"),
        sa.Column("headers", JsonText(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        comment=COMMENT,
        **options,
    )


def count_on(former: str, table: str) -> None:
    """No position is given twice, not even one that a transaction took and did not use."""
    last = f"nextval(pg_get_serial_sequence('{former}', 'position'))"
    op.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'position'), {last})")


def make_partition(name: str) -> None:
    op.execute(f"""
        CREATE TABLE {name} (
            LIKE order_events INCLUDING DEFAULTS, CONSTRAINT uq_{name}_aggregateid_seq UNIQUE (aggregateid, seq)
        ) WITH ({OF_A_PARTITION})
    """)
    op.execute(f"CREATE INDEX ix_{name}_tx_id_position ON {name} (tx_id, position)")


def make_months_from(month: date) -> None:
    """Empty ones, but for rows with ids that are no time."""
    for _ in range(MONTHS_AHEAD):
        name, ids = f"order_events_{month:%Y_%m}", (first_id(month), first_id(month_after(month)))
        make_partition(name)
        op.execute(f"""
            WITH moved AS (
                DELETE FROM order_events_default WHERE aggregateid >= '{ids[0]}' AND aggregateid < '{ids[1]}'
                RETURNING {COLUMNS}
            ) INSERT INTO {name} ({COLUMNS}) SELECT {COLUMNS} FROM moved
        """)
        op.execute(f"ALTER TABLE order_events ATTACH PARTITION {name} FOR VALUES FROM ('{ids[0]}') TO ('{ids[1]}')")
        month = month_after(month)


def month_after(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def first_id(month: date) -> UUID:
    """No UUID of version 7 that is made in the month is lower, and none made before is not."""
    began = datetime(month.year, month.month, 1, tzinfo=UTC)
    return UUID(int=int(began.timestamp() * 1000) << 80)

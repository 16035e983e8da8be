"""Orders, their log, and accounts

Revision ID: 0001
Revises:
Create Date: 2026-11-24 08:29:24.831630
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from adapters.persistence.column_types import JsonText, Xid8

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("email", name=op.f("uq_accounts_email")),
    )
    op.create_table(
        "idempotency",
        sa.Column("subject", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("subject", "key", name=op.f("pk_idempotency")),
    )
    op.create_index(op.f("ix_idempotency_created_at"), "idempotency", ["created_at"], unique=False)
    op.create_table(
        "inbox",
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "message_id", name=op.f("pk_inbox")),
    )
    op.create_index(op.f("ix_inbox_received_at"), "inbox", ["received_at"], unique=False)
    op.create_table(
        "order_events",
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
        sa.PrimaryKeyConstraint("position", name=op.f("pk_order_events")),
        sa.UniqueConstraint("aggregateid", "seq", name=op.f("uq_order_events_aggregateid_seq")),
        comment="Append-only: outbox, history and replay in one. Column names are those of Debezium's outbox router.",
    )
    op.create_index("ix_order_events_tx_id_position", "order_events", ["tx_id", "position"], unique=False)
    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("processing_status", sa.Text(), nullable=False),
        sa.Column("payment_status", sa.Text(), nullable=False),
        sa.Column("fulfillment_status", sa.Text(), nullable=False),
        sa.Column("return_status", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False, comment="minor units of the currency"),
        sa.Column("external_ref", sa.Text(), nullable=True),
        sa.Column(
            "lines_fingerprint", sa.LargeBinary(), nullable=False, comment="equal for orders of the same lines"
        ),
        sa.Column("pay_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "body",
            JsonText(),
            nullable=False,
            comment="the OrderView; the columns beside it are copies, to search by",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("number", name=op.f("uq_orders_number")),
    )
    op.create_index("ix_orders_customer_id_placed_at_id", "orders", ["customer_id", "placed_at", "id"], unique=False)
    op.create_index("ix_orders_placed_at_id", "orders", ["placed_at", "id"], unique=False)
    op.create_index(
        "ix_orders_queued",
        "orders",
        ["placed_at"],
        unique=False,
        postgresql_where=sa.text("processing_status = 'QUEUED'"),
    )
    op.create_index(
        "ix_orders_unpaid", "orders", ["pay_by"], unique=False, postgresql_where=sa.text("status = 'PENDING'")
    )
    op.create_index(
        "uq_orders_customer_id_external_ref",
        "orders",
        ["customer_id", "external_ref"],
        unique=True,
        postgresql_where=sa.text("external_ref IS NOT NULL"),
    )
    op.create_table(
        "relay_cursor",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tx_id", Xid8(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_relay_cursor")),
    )


def downgrade() -> None:
    op.drop_table("relay_cursor")
    op.drop_index(
        "uq_orders_customer_id_external_ref",
        table_name="orders",
        postgresql_where=sa.text("external_ref IS NOT NULL"),
    )
    op.drop_index("ix_orders_unpaid", table_name="orders", postgresql_where=sa.text("status = 'PENDING'"))
    op.drop_index("ix_orders_queued", table_name="orders", postgresql_where=sa.text("processing_status = 'QUEUED'"))
    op.drop_index("ix_orders_placed_at_id", table_name="orders")
    op.drop_index("ix_orders_customer_id_placed_at_id", table_name="orders")
    op.drop_table("orders")
    op.drop_index("ix_order_events_tx_id_position", table_name="order_events")
    op.drop_table("order_events")
    op.drop_index(op.f("ix_inbox_received_at"), table_name="inbox")
    op.drop_table("inbox")
    op.drop_index(op.f("ix_idempotency_created_at"), table_name="idempotency")
    op.drop_table("idempotency")
    op.drop_table("accounts")

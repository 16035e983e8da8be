"""The tables, as SQLAlchemy Core sees them. `migrations/` makes them; `alembic check` keeps both equal."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from adapters.persistence.column_types import JsonAsWritten, JsonText, Xid8

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _time(name: str) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=False)


def _actor() -> tuple[Column[Any], Column[Any]]:
    """Who it was; we ourselves have no id."""
    return Column("actor_kind", Text, nullable=False), Column("actor_id", Uuid)


accounts = Table(
    "accounts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("email", Text, unique=True),
    Column("password_hash", Text),
    Column("role", Text, nullable=False),
    _time("created_at"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("erased_at", DateTime(timezone=True)),
    CheckConstraint("erased_at IS NOT NULL OR (email IS NOT NULL AND password_hash IS NOT NULL)", name="erased"),
    # In the order in which they were registered: ids are UUIDs of version 7.
    Index("ix_accounts_role_id", "role", "id"),
)

account_events = Table(
    "account_events",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("type", Text, nullable=False),
    _time("occurred_at"),
    *_actor(),
    Column("change", JsonText, nullable=False),
    UniqueConstraint("account_id", "seq"),
    comment="Append-only: who did what with which account. Without personal data, so it outlives the account.",
)

erasures = Table(
    "erasures",
    metadata,
    Column("account_id", Uuid, primary_key=True),
    Column("placed_at", DateTime(timezone=True)),
    Column("order_id", Uuid),
    comment="Accounts that are erased, but not all of their orders redacted; and the last order that is.",
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False, index=True),
    _time("began_at"),
    _time("refreshed_at"),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
    Column("token_hash", LargeBinary, nullable=False),
    Column("former_hash", LargeBinary),
    Column("ended_at", DateTime(timezone=True)),
    Column("scopes", ARRAY(Text), comment="what the log-in was confined to; null: to nothing"),
    Index("ix_sessions_ended", "ended_at", postgresql_where=text("ended_at IS NOT NULL")),
)

services = Table(
    "services",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("scopes", ARRAY(Text), nullable=False),
    _time("created_at"),
    Column("secret_id", Uuid, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    _time("secret_made_at"),
)

ended_secrets = Table(
    "ended_secrets",
    metadata,
    Column("secret_id", Uuid, primary_key=True),
    _time("ended_at"),
    comment="Of services, rotated or removed: a few in a year, and kept",
)

orders = Table(
    "orders",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("number", Text, nullable=False, unique=True),
    Column("customer_id", Uuid, nullable=False),
    Column("status", Text, nullable=False),
    Column("processing_status", Text, nullable=False),
    Column("payment_status", Text, nullable=False),
    Column("fulfillment_status", Text, nullable=False),
    Column("return_status", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("total", Numeric, nullable=False, comment="in the currency's unit, such as 12.50"),
    Column("external_ref", Text),
    Column("metadata", JsonText, nullable=False),
    Column("skus", ARRAY(Text), nullable=False),
    Column("lines_fingerprint", LargeBinary, nullable=False, comment="equal for orders of the same lines"),
    _time("pay_by"),
    _time("placed_at"),
    _time("updated_at"),
    Column("version", Integer, nullable=False),
    Column(
        "body", JsonAsWritten, nullable=False, comment="the OrderView; the columns beside it are copies, to search by"
    ),
    Column(
        "body_format",
        SmallInteger,
        nullable=False,
        server_default=text("0"),
        comment="by which the body was written: see documents.py",
    ),
    Index("ix_orders_customer_id_placed_at_id", "customer_id", "placed_at", "id"),
    Index("ix_orders_placed_at_id", "placed_at", "id"),
    Index(
        "uq_orders_external_ref_customer_id",
        "external_ref",
        "customer_id",
        unique=True,
        postgresql_where=text("external_ref IS NOT NULL"),
    ),
    # Each filter of the list has an index that serves it, in the list's own order where an order can be kept. What
    # nearly all orders are (screened, never returned) is found by walking the list.
    Index("ix_orders_status_placed_at_id", "status", "placed_at", "id"),
    Index("ix_orders_payment_status_placed_at_id", "payment_status", "placed_at", "id"),
    Index("ix_orders_fulfillment_status_placed_at_id", "fulfillment_status", "placed_at", "id"),
    Index(
        "ix_orders_not_processed",
        "processing_status",
        "placed_at",
        "id",
        postgresql_where=text("processing_status <> 'PROCESSED'"),
    ),
    Index(
        "ix_orders_coming_back",
        "return_status",
        "placed_at",
        "id",
        postgresql_where=text("return_status <> 'NONE'"),
    ),
    Index("ix_orders_total", "total"),
    Index("ix_orders_skus", "skus", postgresql_using="gin"),
    Index("ix_orders_metadata", "metadata", postgresql_using="gin", postgresql_ops={"metadata": "jsonb_path_ops"}),
    Index("ix_orders_unpaid", "pay_by", postgresql_where=text("status = 'PENDING'")),
)

order_events = Table(
    "order_events",
    metadata,
    Column("position", BigInteger, Identity(always=True), nullable=False),
    Column("tx_id", Xid8, nullable=False, server_default=func.pg_current_xact_id()),
    Column("id", Uuid, nullable=False),
    Column("aggregatetype", Text, nullable=False),
    Column("aggregateid", Uuid, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("type", Text, nullable=False),
    Column("payload", JsonText, nullable=False, comment="the message: order, change, seq, actor"),
    Column("headers", JsonText, nullable=False),
    _time("occurred_at"),
    UniqueConstraint("aggregateid", "seq"),
    Index("ix_order_events_tx_id_position", "tx_id", "position"),
    postgresql_partition_by="RANGE (aggregateid)",  # by the month in which the order was placed: log_partitions.py
    comment="Append-only: outbox, history and replay in one. Column names are those of Debezium's outbox router.",
)

detached_logs = Table(
    "detached_logs",
    metadata,
    Column("name", Text, primary_key=True),
    Column("orders_before", Uuid, nullable=False, comment="the log of orders with lower ids may not be whole"),
    Column("tx_id", Xid8, nullable=False, comment="where in the log its last event stood"),
    Column("position", BigInteger, nullable=False),
    Column("detached_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    comment="Partitions that were taken out of the event log; the tables themselves are the operator's.",
)

relay_cursor = Table(
    "relay_cursor",
    metadata,
    Column("name", Text, primary_key=True),
    Column("tx_id", Xid8, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("system_identifier", BigInteger, comment="the cluster whose transaction ids these are"),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("subject", Uuid, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now(), index=True),
)

inbox = Table(
    "inbox",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("message_id", Text, primary_key=True),
    Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.now(), index=True),
)

settled_letters = Table(
    "settled_letters",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("offset", BigInteger, primary_key=True),
    Column("died_at", DateTime(timezone=True), primary_key=True),
    Column("how", Text, nullable=False),
    _time("settled_at"),
    *_actor(),
    comment="Dead letters that wait no longer, by where they lie; a topic that is made anew has other times",
)

deeds = Table(
    "deeds",
    metadata,
    Column("id", Uuid, primary_key=True),
    _time("at"),
    *_actor(),
    Column("what", Text, nullable=False),
    Column("subject", Text, nullable=False),
    comment="Append-only: who did what with the machinery. Without personal data, so it outlives the account.",
)

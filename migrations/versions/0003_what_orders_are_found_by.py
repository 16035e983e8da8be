"""What orders are found by

Revision ID: 0003
Revises: 0002
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from adapters.persistence.column_types import JsonText

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

SKUS = """
    UPDATE orders SET
        metadata = body -> 'metadata',
        skus = coalesce((
            SELECT array_agg(DISTINCT line ->> 'sku' COLLATE "C") FROM jsonb_array_elements(body -> 'lines') line
             WHERE line ->> 'sku' IS NOT NULL
        ), '{}')
"""


def upgrade() -> None:
    op.add_column("orders", sa.Column("metadata", JsonText()))
    op.add_column("orders", sa.Column("skus", sa.ARRAY(sa.Text())))
    op.execute(SKUS)
    op.alter_column("orders", "metadata", nullable=False)
    op.alter_column("orders", "skus", nullable=False)
    op.alter_column(
        "orders",
        "total",
        type_=sa.Numeric(),
        comment="in the currency's unit, such as 12.50",
        existing_comment="minor units of the currency",
        postgresql_using="(body ->> 'total')::numeric",
    )
    op.drop_index("uq_orders_customer_id_external_ref", table_name="orders")
    op.create_index(
        "uq_orders_external_ref_customer_id",
        "orders",
        ["external_ref", "customer_id"],
        unique=True,
        postgresql_where=sa.text("external_ref IS NOT NULL"),
    )
    op.drop_index("ix_orders_queued", table_name="orders")
    op.create_index(
        "ix_orders_not_processed",
        "orders",
        ["processing_status", "placed_at", "id"],
        postgresql_where=sa.text("processing_status <> 'PROCESSED'"),
    )
    op.create_index(
        "ix_orders_coming_back",
        "orders",
        ["return_status", "placed_at", "id"],
        postgresql_where=sa.text("return_status <> 'NONE'"),
    )
    for axis in ("status", "payment_status", "fulfillment_status"):
        op.create_index(f"ix_orders_{axis}_placed_at_id", "orders", [axis, "placed_at", "id"])
    op.create_index("ix_orders_total", "orders", ["total"])
    op.create_index("ix_orders_skus", "orders", ["skus"], postgresql_using="gin")
    op.create_index(
        "ix_orders_metadata",
        "orders",
        ["metadata"],
        postgresql_using="gin",
        postgresql_ops={"metadata": "jsonb_path_ops"},
    )


def downgrade() -> None:
    for name in (
        "ix_orders_metadata",
        "ix_orders_skus",
        "ix_orders_total",
        "ix_orders_fulfillment_status_placed_at_id",
        "ix_orders_payment_status_placed_at_id",
        "ix_orders_status_placed_at_id",
        "ix_orders_coming_back",
        "ix_orders_not_processed",
        "uq_orders_external_ref_customer_id",
    ):
        op.drop_index(name, table_name="orders")
    op.create_index(
        "ix_orders_queued", "orders", ["placed_at"], postgresql_where=sa.text("processing_status = 'QUEUED'")
    )
    op.create_index(
        "uq_orders_customer_id_external_ref",
        "orders",
        ["customer_id", "external_ref"],
        unique=True,
        postgresql_where=sa.text("external_ref IS NOT NULL"),
    )
    minor_units = "((body ->> 'total')::numeric * 10 ^ scale((body ->> 'total')::numeric))::bigint"
    op.alter_column(
        "orders",
        "total",
        type_=sa.BigInteger(),
        comment="minor units of the currency",
        existing_comment="in the currency's unit, such as 12.50",
        postgresql_using=minor_units,
    )
    op.drop_column("orders", "skus")
    op.drop_column("orders", "metadata")

"""Orders as they are sent

PostgreSQL keeps the text of JSON, but not that of JSONB: a page of orders no longer has to be written anew. Every row
is rewritten while the table is locked, a minute for some millions of orders. The processes of a former release are to
be stopped before: they read and write a column of another type.

Revision ID: 0008
Revises: 0007
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BY_DATABASE = "0"


def upgrade() -> None:
    op.alter_column("orders", "body", type_=sa.JSON(), postgresql_using="body::json")
    op.add_column(
        "orders",
        sa.Column(
            "body_format",
            sa.SmallInteger(),
            server_default=BY_DATABASE,
            nullable=False,
            comment="by which the body was written: see documents.py",
        ),
    )


def downgrade() -> None:
    op.drop_column("orders", "body_format")
    op.alter_column("orders", "body", type_=postgresql.JSONB(), postgresql_using="body::jsonb")

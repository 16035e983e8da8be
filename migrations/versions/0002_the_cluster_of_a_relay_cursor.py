"""The cluster of a relay cursor

Revision ID: 0002
Revises: 0001
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "relay_cursor",
        sa.Column(
            "system_identifier",
            sa.BigInteger(),
            nullable=True,
            comment="the cluster whose transaction ids these are",
        ),
    )


def downgrade() -> None:
    op.drop_column("relay_cursor", "system_identifier")

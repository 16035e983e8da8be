"""Account events

Revision ID: 0005
Revises: 0004
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from adapters.persistence.column_types import JsonText

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Accounts that are there already begin at version 1 without an event for it: nobody noted who made them."""
    op.add_column("accounts", sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False))
    op.create_index("ix_accounts_role_id", "accounts", ["role", "id"])
    op.create_table(
        "account_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("change", JsonText(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_events")),
        sa.UniqueConstraint("account_id", "seq", name=op.f("uq_account_events_account_id_seq")),
        comment="Append-only: who did what with which account. Without personal data, so it outlives the account.",
    )


def downgrade() -> None:
    op.drop_table("account_events")
    op.drop_index("ix_accounts_role_id", table_name="accounts")
    op.drop_column("accounts", "version")

"""Erasure

Revision ID: 0007
Revises: 0006
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.alter_column("accounts", "email", nullable=True)
    op.alter_column("accounts", "password_hash", nullable=True)
    op.add_column("accounts", sa.Column("erased_at", sa.DateTime(timezone=True)))
    op.create_check_constraint(
        "erased", "accounts", "erased_at IS NOT NULL OR (email IS NOT NULL AND password_hash IS NOT NULL)"
    )
    op.create_table(
        "erasures",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True)),
        sa.Column("order_id", sa.Uuid()),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_erasures")),
        comment="Accounts that are erased, but not all of their orders redacted; and the last order that is.",
    )


def downgrade() -> None:
    """What was erased stays so: the accounts get an address that is none, and a hash that nothing matches."""
    op.drop_table("erasures")
    op.drop_constraint(op.f("ck_accounts_erased"), "accounts")
    op.execute("UPDATE accounts SET email = id::text, password_hash = '' WHERE erased_at IS NOT NULL")
    op.drop_column("accounts", "erased_at")
    op.alter_column("accounts", "password_hash", nullable=False)
    op.alter_column("accounts", "email", nullable=False)

"""Loans of readers."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    """Go forward."""
    op.create_table(
        "loans",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("reader_id", sa.BigInteger, sa.ForeignKey("readers.id"), nullable=False, index=True),
        sa.Column("lent_on", sa.Date, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.CheckConstraint("lent_on < due_on", name="loan_ends_after_it_begins"),
    )


def downgrade():
    """Go back."""
    op.drop_table("loans")

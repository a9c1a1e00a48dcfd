"""An index of the few memories that were said again and hold no more: recall asks for them each time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_GONE = sa.text("count > 1 AND (valid_to IS NOT NULL OR forgotten_at IS NOT NULL)")


def upgrade() -> None:
    op.create_index("memories_gone", "memories", ["owner"], sqlite_where=_GONE, postgresql_where=_GONE)


def downgrade() -> None:
    op.drop_index("memories_gone", "memories")

"""Parked records by place and content: a topic that was made anew has other records at the same offsets.

The content is known by its keyed digest. What was parked before has none, and stays.
"""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("ALTER TABLE intake.parked ADD COLUMN digest text NOT NULL DEFAULT ''")
    op.execute("""
        ALTER TABLE intake.parked
            ALTER COLUMN digest DROP DEFAULT,
            DROP CONSTRAINT parked_pkey,
            ADD PRIMARY KEY (topic, partition, "offset", digest)
    """)

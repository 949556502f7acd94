"""Parked records by place and content: a topic that was made anew has other records at the same offsets.

The content is known by its keyed digest. What was parked before has none, nor has what a process of the version before
parks meanwhile. And the services may make a table for a moment, to see whether there is room: by right, not by default.
"""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("ALTER TABLE intake.parked ADD COLUMN digest text NOT NULL DEFAULT ''")
    op.execute("""
        ALTER TABLE intake.parked
            DROP CONSTRAINT parked_pkey,
            ADD PRIMARY KEY (topic, partition, "offset", digest)
    """)
    op.execute("""
        DO $$ BEGIN EXECUTE format(
            'GRANT TEMPORARY ON DATABASE %I TO spoorboek_intake, spoorboek_casework, spoorboek_reporting',
            current_database()
        ); END $$
    """)

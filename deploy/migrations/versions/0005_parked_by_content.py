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
    # Where PostgreSQL's default was taken away; who migrates need not own the database where it was not.
    op.execute("""
        DO $$
        DECLARE service text;
        BEGIN
            FOREACH service IN ARRAY ARRAY['spoorboek_intake', 'spoorboek_casework', 'spoorboek_reporting'] LOOP
                IF NOT has_database_privilege(service, current_database(), 'TEMPORARY') THEN
                    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO %I', current_database(), service);
                END IF;
            END LOOP;
        END $$
    """)

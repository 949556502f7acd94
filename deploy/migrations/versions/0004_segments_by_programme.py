"""Segments by day of a programme, without its gemeente: so that no index but the key begins with one.

Looked up by gemeente and case in a table whose statistics are not taken yet, they were found by one of these, which
are smaller than the key's: by going through all of a gemeente's. A programme has one gemeente.
"""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("""
        DO $$
        DECLARE facts text;
        BEGIN
            FOR facts IN SELECT schemaname FROM pg_indexes WHERE indexname = 'segments_by_opening' LOOP
                EXECUTE format('DROP INDEX IF EXISTS %I.segments_by_opening, %I.segments_by_closing', facts, facts);
                EXECUTE format('CREATE INDEX segments_by_opening ON %I.segments (programme, opened_on)', facts);
                EXECUTE format('CREATE INDEX segments_by_closing ON %I.segments (programme, closed_on)', facts);
            END LOOP;
        END $$
    """)

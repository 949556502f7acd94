"""One table says which generations of the facts there are: who asks for one touches no other's tables."""

from alembic import op

revision = "0007"
down_revision = "0006"

# Those from before they said something of themselves are the live one and the one before it.
TAKE_OVER = """
DO $$
DECLARE
    kept integer;
BEGIN
    FOR kept IN
        SELECT substr(nspname, 7)::integer FROM pg_namespace WHERE nspname ~ '^facts_[0-9]+$' ORDER BY 1
    LOOP
        IF to_regclass(format('facts_%s.about', kept)) IS NOT NULL THEN
            EXECUTE format(
                'INSERT INTO reporting.kept_generations'
                ' SELECT %s, fingerprint, purpose, known_on, finished, made_at FROM facts_%s.about', kept, kept
            );
            EXECUTE format('DROP TABLE facts_%s.about', kept);
        ELSE
            INSERT INTO reporting.kept_generations
            SELECT kept, fingerprint, 'rebuild', '', true FROM reporting.generation WHERE kept IN (live, previous);
        END IF;
    END LOOP;
END $$
"""


def upgrade() -> None:
    op.execute("""
        CREATE TABLE reporting.kept_generations (
            number integer PRIMARY KEY,
            fingerprint text NOT NULL,
            purpose text NOT NULL,
            known_on text NOT NULL,
            finished boolean NOT NULL,
            made_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON reporting.kept_generations TO spoorboek_reporting")
    op.execute(TAKE_OVER)

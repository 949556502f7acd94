"""One audit trail for all generations of the facts: what casework recorded about a case, as it lies in its ledger.

It is no matter of rules, so a rebuild need not write it anew: it holds it against the ledger. It begins empty; the
rebuild that follows new tables fills it.
"""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE reporting.case_events (
            gemeente text NOT NULL,
            position bigint NOT NULL,
            case_id text NOT NULL,
            version integer NOT NULL,
            type text NOT NULL,
            occurred_on date NOT NULL,
            recorded_at timestamptz NOT NULL,
            partner text NOT NULL,
            correlation text NOT NULL,
            causation text NOT NULL,
            data bytea NOT NULL,
            PRIMARY KEY (gemeente, position)
        )
    """)
    op.execute("CREATE INDEX events_by_case ON reporting.case_events (case_id, position)")
    # A row that is not what the ledger says is put right, which no reader has to do: it is taken out and copied anew.
    op.execute("GRANT SELECT, INSERT, DELETE ON reporting.case_events TO spoorboek_reporting")

"""What a reader could not take, kept by (reader, ledger, position) until someone has it tried again.

`readers.held` says whether there is any, so that a batch without trouble asks nothing; it stands in the row whose lock
every change of the quarantine takes. What a forgotten reader held goes with its position.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

SERVICES = ("intake", "casework", "reporting")

QUARANTINE = """
ALTER TABLE {service}.readers ADD COLUMN held boolean NOT NULL DEFAULT false;
CREATE TABLE {service}.quarantine (
    reader text NOT NULL,
    ledger text NOT NULL,
    position bigint NOT NULL,
    case_id text NOT NULL,
    type text NOT NULL,
    status text NOT NULL CHECK (status IN ('quarantined', 'waiting')),
    reason text NOT NULL,
    held_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (reader, ledger, position),
    FOREIGN KEY (reader, ledger) REFERENCES {service}.readers ON DELETE CASCADE
);
CREATE INDEX quarantine_by_case ON {service}.quarantine (reader, ledger, case_id);
CREATE UNIQUE INDEX one_quarantined_per_case ON {service}.quarantine (reader, ledger, case_id)
    WHERE status = 'quarantined';
GRANT SELECT, INSERT, UPDATE, DELETE ON {service}.quarantine TO spoorboek_{service};
"""


def upgrade() -> None:
    for service in SERVICES:
        for statement in QUARANTINE.format(service=service).split(";\n"):
            if statement.strip():
                op.execute(statement)

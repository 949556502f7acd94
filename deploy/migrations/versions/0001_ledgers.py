"""A schema and a role per service: ledgers that can only grow, readers' positions, the vault's keys.

There is no way down: a ledger that was written is not taken back.
"""

from alembic import op

revision = "0001"
down_revision = None

SERVICES = ("intake", "casework", "reporting")

LEDGER = """
CREATE SCHEMA {service};
CREATE TABLE {service}.events (
    gemeente text NOT NULL,
    position bigint NOT NULL,
    stream text NOT NULL,
    version integer NOT NULL,
    type text NOT NULL,
    occurred_on date NOT NULL,
    recorded_at timestamptz NOT NULL,
    partner text NOT NULL,
    correlation text NOT NULL,
    causation text NOT NULL,
    data bytea NOT NULL,
    case_id text NOT NULL,
    PRIMARY KEY (gemeente, position),
    CONSTRAINT one_event_per_version UNIQUE (gemeente, stream, version)
);
CREATE TABLE {service}.heads (
    gemeente text PRIMARY KEY,
    size bigint NOT NULL,
    frontier bytea NOT NULL,
    root bytea NOT NULL,
    recorded_at timestamptz NOT NULL
);
CREATE TABLE {service}.readers (
    reader text NOT NULL,
    ledger text NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (reader, ledger)
);
CREATE TRIGGER events_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON {service}.events
    FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
GRANT USAGE ON SCHEMA {service} TO spoorboek_{service};
GRANT SELECT, INSERT ON {service}.events TO spoorboek_{service};
GRANT SELECT, INSERT, UPDATE ON {service}.heads TO spoorboek_{service};
GRANT SELECT, INSERT, UPDATE, DELETE ON {service}.readers TO spoorboek_{service};
"""


def upgrade() -> None:
    # Roles belong to the whole server: two databases may be migrated at once.
    op.execute("SELECT pg_advisory_xact_lock(hashtext('spoorboek roles'))")
    op.execute("""
        CREATE FUNCTION public.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'events are only added: % on %.% is not allowed', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME;
        END $$
    """)
    for service in SERVICES:
        op.execute(f"""
            DO $$ BEGIN
                IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'spoorboek_{service}') THEN
                    CREATE ROLE spoorboek_{service} NOLOGIN;
                END IF;
                GRANT spoorboek_{service} TO CURRENT_USER;
            END $$
        """)
        for statement in LEDGER.format(service=service).split(";\n"):
            if statement.strip():
                op.execute(statement)
    # A rebuild reads casework's ledger as it lies there; what reporting may not see is not in it.
    op.execute("GRANT USAGE ON SCHEMA casework TO spoorboek_reporting")
    op.execute("GRANT SELECT ON casework.events, casework.heads TO spoorboek_reporting")
    # The facts live in a schema per generation; reporting may make those and no others.
    op.execute("""
        CREATE FUNCTION reporting.make_generation(number integer) RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
        BEGIN
            EXECUTE format('CREATE SCHEMA %I AUTHORIZATION spoorboek_reporting', 'facts_' || number);
        END $$
    """)
    op.execute("REVOKE ALL ON FUNCTION reporting.make_generation FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION reporting.make_generation TO spoorboek_reporting")
    op.execute("""
        CREATE TABLE reporting.generation (
            single boolean PRIMARY KEY CHECK (single),
            live integer NOT NULL,
            previous integer,
            fingerprint text NOT NULL
        )
    """)
    op.execute("GRANT SELECT, INSERT, UPDATE ON reporting.generation TO spoorboek_reporting")
    op.execute("""
        CREATE TABLE intake.parked (
            topic text NOT NULL,
            partition integer NOT NULL,
            "offset" bigint NOT NULL,
            gemeente text NOT NULL,
            reason text NOT NULL,
            sealed text NOT NULL,
            parked_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (topic, partition, "offset")
        )
    """)
    op.execute("GRANT SELECT, INSERT ON intake.parked TO spoorboek_intake")
    op.execute("CREATE SCHEMA vault")
    op.execute("""
        CREATE TABLE vault.subject_keys (
            gemeente text NOT NULL,
            subject text NOT NULL,
            wrapped_key bytea NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (gemeente, subject)
        )
    """)
    op.execute("GRANT USAGE ON SCHEMA vault TO spoorboek_intake")
    op.execute("GRANT SELECT, INSERT ON vault.subject_keys TO spoorboek_intake")

"""Each service may read of which version the database is, also where it has a login of its own."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("GRANT SELECT ON public.alembic_version TO spoorboek_intake, spoorboek_casework, spoorboek_reporting")

"""What an operator runs beside the services: verify the ledgers, build the facts anew."""

from rich.console import Console

from eventlog.ledger import SERVICES
from eventlog.postgres import PostgresLedger, make_engine
from eventlog.verification import verify as verify_ledger
from services.process import Process
from services.reporting.rebuild import rebuild
from services.runtime import Settings


async def verify(settings: Settings, console: Console) -> None:
    """Every ledger of every service; raises BrokenLedger at the first that does not hold."""
    for service in SERVICES:
        engine = make_engine(settings.database_url, service)
        try:
            ledger = PostgresLedger(engine, service)
            async with ledger.begin() as tx:
                gemeenten = sorted(await ledger.sizes(tx))
            for gemeente in gemeenten:
                with console.status(f"{service}/{gemeente}") as status:
                    verified = await verify_ledger(
                        ledger, gemeente, lambda count: status.update(f"{service}/{gemeente}: {count} events")
                    )
                console.print(
                    f"{verified.ledger}: {verified.size} events, root {verified.root.hex()}",
                    highlight=False,
                    soft_wrap=True,
                )
        finally:
            await engine.dispose()

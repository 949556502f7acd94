"""The PostgreSQL of the tests is real, and a test meets nothing of another."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.parts.postgres import Postgres


async def test_a_database_answers_as_the_version_we_deploy(database_url: str) -> None:
    engine = create_async_engine(database_url)
    async with engine.connect() as connection:
        version = (await connection.execute(text("SHOW server_version_num"))).scalar_one()
    await engine.dispose()
    assert int(version) // 10000 == 18


async def test_two_databases_share_nothing(postgres: Postgres) -> None:
    async with postgres.database() as one, postgres.database() as other:
        for url in (one, other):
            engine = create_async_engine(url)
            async with engine.begin() as connection:
                await connection.execute(text("CREATE TABLE mine (id int)"))
            await engine.dispose()


async def test_a_database_goes_away_while_someone_is_still_connected(postgres: Postgres) -> None:
    async with postgres.database() as url:
        engine = create_async_engine(url)
        connection = await engine.connect()
    await connection.invalidate()
    await connection.close()
    await engine.dispose()

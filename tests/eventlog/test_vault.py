"""Personal fields can be opened only with the family's key, where they were sealed, and not at all without it."""

import asyncio
from collections.abc import Collection, Mapping
from secrets import token_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from eventlog.engine import make_engine
from eventlog.errors import VaultError
from eventlog.subject_keys import MemoryKeys, PostgresKeys
from eventlog.vault import Vault
from tests.eventlog.making import GEMEENTE

FAMILY = "f" * 32
_INSERT = text("INSERT INTO vault.subject_keys (gemeente, subject, wrapped_key) VALUES (:gemeente, :subject, :key)")


@given(st.dictionaries(st.sampled_from(["note", "phone"]), st.text(min_size=1), min_size=1))
async def test_what_was_sealed_can_be_opened_and_does_not_show(plain: dict[str, str]) -> None:
    vault = Vault(bytes(32), MemoryKeys())
    sealed = await vault.seal(GEMEENTE, FAMILY, plain, "s1")
    assert await vault.unseal(GEMEENTE, FAMILY, sealed, "s1") == plain
    assert all(value.startswith("sealed:v1:") for value in sealed.values())
    assert await vault.seal(GEMEENTE, FAMILY, plain, "s1") != sealed


@pytest.mark.parametrize(
    ("gemeente", "family", "context", "field"),
    [("GM0001", FAMILY, "s1", "note"), (GEMEENTE, "e" * 32, "s1", "note"), (GEMEENTE, FAMILY, "s2", "note"),
     (GEMEENTE, FAMILY, "s1", "phone")],
)  # fmt: skip
async def test_a_sealed_field_opens_nowhere_else(gemeente: str, family: str, context: str, field: str) -> None:
    vault = Vault(bytes(32), MemoryKeys())
    sealed = await vault.seal(GEMEENTE, FAMILY, {"note": "synthetisch"}, "s1")
    await vault.seal(gemeente, family, {"note": "x"}, "other")
    with pytest.raises(VaultError):
        await vault.unseal(gemeente, family, {field: sealed["note"]}, context)


async def test_pseudonyms_are_stable_and_differ_per_gemeente_and_kind() -> None:
    vault, again, other = (Vault(key, MemoryKeys()) for key in (bytes(32), bytes(32), token_bytes(32)))
    assert vault.pseudonym(GEMEENTE, "family", "SYN-1") == again.pseudonym(GEMEENTE, "family", "SYN-1")
    different = {
        vault.pseudonym(GEMEENTE, "family", "SYN-1"),
        vault.pseudonym("GM0001", "family", "SYN-1"),
        vault.pseudonym(GEMEENTE, "youth", "SYN-1"),
        vault.pseudonym(GEMEENTE, "family", "SYN-2"),
        other.pseudonym(GEMEENTE, "family", "SYN-1"),
    }
    assert len(different) == 5
    assert {len(one) for one in different} == {32}


async def test_a_family_has_one_key_whoever_comes_first(database_url: str) -> None:
    engine = make_engine(database_url, "intake")
    master = token_bytes(32)
    first, second = (Vault(master, PostgresKeys(engine)) for _ in range(2))
    sealed = await first.seal(GEMEENTE, FAMILY, {"note": "synthetisch"}, "s1")
    also = await second.seal(GEMEENTE, FAMILY, {"note": "ook synthetisch"}, "s2")
    assert await second.unseal(GEMEENTE, FAMILY, sealed, "s1") == {"note": "synthetisch"}
    assert await first.unseal(GEMEENTE, FAMILY, also, "s2") == {"note": "ook synthetisch"}
    wrong = Vault(token_bytes(32), PostgresKeys(engine))
    with pytest.raises(VaultError, match="right master key"):
        await wrong.seal(GEMEENTE, FAMILY, {"note": "x"}, "s3")
    await engine.dispose()


async def test_a_family_has_one_key_also_where_another_keeps_it_meanwhile(database_url: str) -> None:
    engine = make_engine(database_url, "intake")
    keys = PostgresKeys(engine)
    async with engine.begin() as other:
        await other.execute(_INSERT, {"gemeente": GEMEENTE, "subject": FAMILY, "key": b"theirs"})
        asking = asyncio.create_task(keys.keep_first(GEMEENTE, {FAMILY: b"ours", "e" * 32: b"new"}))
        await asyncio.sleep(0.2)
        assert not asking.done()
    assert await asking == {"e" * 32: b"new"}
    assert await keys.keep_first(GEMEENTE, {FAMILY: b"later", "e" * 32: b"later"}) == {}
    assert await keys.find(GEMEENTE, [FAMILY, "e" * 32]) == {FAMILY: b"theirs", "e" * 32: b"new"}
    await engine.dispose()


class Slow(MemoryKeys):
    """Answers when it is told to, and keeps what it was asked for each time."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[set[str]] = []
        self.answer = asyncio.Event()
        self.broken = 0
        """So many questions from now the database goes away."""

    async def keep_first(self, gemeente: str, wrapped: Mapping[str, bytes]) -> dict[str, bytes]:
        self.asked.append(set(wrapped))
        await self.answer.wait()
        self.broken -= 1
        if self.broken == 0:
            raise ConnectionError("the database went away")
        return await super().keep_first(gemeente, wrapped)


async def sealing(vault: Vault, count: int) -> list[asyncio.Task[dict[str, str]]]:
    """One that is asked for at once, and the others while it is."""
    tasks = []
    for number in range(count):
        tasks.append(asyncio.create_task(vault.seal(GEMEENTE, f"{number:032}", {"note": "x"}, f"s{number}")))
        if number < 2:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.01)
    return tasks


async def test_who_comes_while_the_store_is_asked_goes_there_together() -> None:
    keys = Slow()
    vault = Vault(bytes(32), keys)
    tasks = await sealing(vault, 50)
    keys.answer.set()
    for number, sealed in enumerate(await asyncio.gather(*tasks)):
        assert await vault.unseal(GEMEENTE, f"{number:032}", sealed, f"s{number}") == {"note": "x"}
    assert [len(asked) for asked in keys.asked] == [1, 49]


async def test_a_question_that_fails_is_heard_by_all_that_were_in_it_and_is_not_asked_for_each() -> None:
    keys = Slow()
    vault, keys.broken = Vault(bytes(32), keys), 2
    tasks = await sealing(vault, 50)
    keys.answer.set()
    heard = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(one, ConnectionError) for one in heard] == [False] + [True] * 49
    assert [len(asked) for asked in keys.asked] == [1, 49]
    sealed = await vault.seal(GEMEENTE, f"{1:032}", {"note": "x"}, "again")
    assert await Vault(bytes(32), keys).unseal(GEMEENTE, f"{1:032}", sealed, "again") == {"note": "x"}, (
        "its key is kept"
    )


async def test_a_caller_that_goes_away_takes_nothing_from_the_others() -> None:
    keys = Slow()
    vault = Vault(bytes(32), keys)
    first, second, *others = await sealing(vault, 10)
    first.cancel()
    second.cancel()
    await asyncio.sleep(0)
    keys.answer.set()
    assert all(await asyncio.gather(*others))
    assert [len(asked) for asked in keys.asked] == [1, 9]


class Crowded(Vault):
    """Whose place for keys at hand was taken by others before the first caller came to use its own."""

    crowded = False

    async def prepare(self, gemeente: str, subjects: Collection[str]) -> None:
        await super().prepare(gemeente, subjects)
        if not self.crowded:
            self.crowded = True
            self._opened.clear()


async def test_a_key_that_was_put_away_for_others_is_fetched_again() -> None:
    keys = Slow()
    keys.answer.set()
    vault = Crowded(bytes(32), keys)
    assert await vault.seal(GEMEENTE, FAMILY, {"note": "x"}, "s")
    assert keys.asked == [{FAMILY}, {FAMILY}]


async def test_a_key_that_does_not_open_is_one_familys_trouble() -> None:
    keys = Slow()
    keys.answer.set()
    await Vault(token_bytes(32), keys).seal(GEMEENTE, FAMILY, {"note": "x"}, "s")
    keys.answer.clear()
    vault = Vault(bytes(32), keys)
    families = ["a" * 32, "b" * 32, FAMILY]
    tasks = [asyncio.create_task(vault.seal(GEMEENTE, one, {"note": "x"}, "s")) for one in families]
    await asyncio.sleep(0)
    keys.answer.set()
    sealed = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(one, VaultError) for one in sealed] == [False, False, True]


async def test_without_its_key_a_family_is_erased(database_url: str) -> None:
    engine, owner = make_engine(database_url, "intake"), create_async_engine(database_url)
    vault = Vault(token_bytes(32), PostgresKeys(engine))
    sealed = await vault.seal(GEMEENTE, FAMILY, {"note": "synthetisch"}, "s1")
    await destroy(owner)
    with pytest.raises(VaultError, match="erased"):
        await vault.unseal(GEMEENTE, FAMILY, sealed, "s1")
    await engine.dispose()
    await owner.dispose()


async def destroy(owner: AsyncEngine) -> None:
    async with owner.begin() as connection:
        await connection.execute(text("DELETE FROM vault.subject_keys"))

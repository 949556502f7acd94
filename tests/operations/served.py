"""`spoorboek serve all` as a process of its own, on the local bus."""

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from schemas.programme import PUBLISHED
from services.demonstration.senders import PARTNERS
from tests.journey.world import COACH
from tests.parts.kafka_process import free_port

PATIENCE_SECONDS = 60
HEADERS = {"Authorization": f"Bearer {COACH.bearer_key}", "Content-Type": "application/cloudevents-batch+json"}


class Served:
    """One process; `log` is what it said on standard error."""

    def __init__(self, database_url: str, folder: Path, kafka: str = "") -> None:
        port = free_port()
        self.log_file = folder / f"serve-{port}.log"
        environment = os.environ | {
            "SPOORBOEK_DATABASE_URL": database_url,
            "SPOORBOEK_KAFKA": kafka,
            "SPOORBOEK_VAULT_KEY": base64.b64encode(bytes(range(32))).decode(),
            "SPOORBOEK_PARTNERS": str(PARTNERS),
            "SPOORBOEK_PROGRAMMES": str(PUBLISHED),
            "SPOORBOEK_PORT": str(port),
            "SPOORBOEK_LOG": "info",
        }
        command = [str(Path(sys.executable).with_name("spoorboek")), "serve", "all"]
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        self.client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60)

    @property
    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log_file.read_text().splitlines() if line.startswith("{")]

    async def ready(self) -> httpx.Response | None:
        """The answer of /health/ready; None where nobody listens yet."""
        try:
            return await self.client.get("/health/ready")
        except httpx.TransportError:
            return None

    async def until_ready(self, status: int = 200) -> httpx.Response:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (answer := await self.ready()) is None or answer.status_code != status:
                assert self.process.poll() is None, self.log_file.read_text()
                await asyncio.sleep(0.05)
            return answer

    async def settled(self) -> None:
        """Returns when every reader has had everything: twice, because the first round's work may make more."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            for _ in range(2):
                while any(one["eventsBehind"] for one in (await self.until_ready()).json()["readers"]):
                    await asyncio.sleep(0.05)

    async def send(self, events: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
        """The results of a batch; None where the process did not say that it took it."""
        try:
            answer = await self.client.post("/v1/events", json=events, headers=HEADERS)
        except httpx.TransportError:
            return None
        results: list[dict[str, Any]] | None = answer.json()["results"] if answer.is_success else None
        return results

    async def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """What it is answering it may finish; the code it ended with."""
        self.process.send_signal(how)
        code = await asyncio.to_thread(self.process.wait, 30)
        await self.client.aclose()
        return code

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)

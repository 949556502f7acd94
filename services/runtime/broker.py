"""Whether the broker answers, asked apart from the connections that carry the events."""

import asyncio
from contextlib import suppress

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError


class BrokerProbe:
    """Asks for the cluster's metadata: a broker that is frozen takes connections and does not answer that."""

    def __init__(self, bootstrap: str, patience_seconds: float = 3) -> None:
        self._bootstrap, self._patience_seconds = bootstrap, patience_seconds
        self._client: AIOKafkaClient | None = None

    async def why_away(self) -> str | None:
        """None where it answers, else the kind of error."""
        try:
            async with asyncio.timeout(self._patience_seconds):
                if self._client is None:
                    client = AIOKafkaClient(bootstrap_servers=self._bootstrap)
                    try:
                        await client.bootstrap()
                    except BaseException:
                        await _close(client)
                        raise
                    self._client = client
                await self._client.fetch_all_metadata()
        except (KafkaError, OSError, TimeoutError) as error:
            await self.close()  # The next time it begins anew, also where the broker has moved.
            return type(error).__name__
        return None

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await _close(client)


async def _close(client: AIOKafkaClient) -> None:
    with suppress(KafkaError, OSError, TimeoutError):
        async with asyncio.timeout(1):
            await client.close()

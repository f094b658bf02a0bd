"""Broker and registry together, with readiness and a clean end."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from credentials_settings.sandbox.kafka.cluster import MockCluster, mock_cluster
from credentials_settings.sandbox.kafka.forwarding import forwarding
from credentials_settings.sandbox.kafka.registry import registry_app
from credentials_settings.sandbox.kafka.schemas import Schemas
from credentials_settings.sandbox.serving import LOOPBACK, in_thread, listening

logger = logging.getLogger(__name__)

SESSION_TIMEOUT_MS = 6000


@dataclass(frozen=True)
class RunningKafka:
    """Where broker and registry are."""

    port: int
    registry_port: int
    cluster: MockCluster

    @property
    def bootstrap_servers(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    @property
    def schema_registry_url(self) -> str:
        return f"http://{LOOPBACK}:{self.registry_port}"

    def create_topic(self, name: str, partitions: int = 1) -> None:
        """Raises ClusterError."""
        self.cluster.create_topic(name, partitions)


@asynccontextmanager
async def kafka(
    *,
    port: int = 0,
    registry_port: int = 0,
    topics: Mapping[str, int] | None = None,
    session_timeout_ms: int = SESSION_TIMEOUT_MS,
    state_file: Path | None = None,
) -> AsyncIterator[RunningKafka]:
    """
    Serve on loopback while the block lasts; port 0 picks a free one.

    ``topics`` maps names, with any ``EVENT_BUS_TOPIC_PREFIX`` in front, to partitions. ``session_timeout_ms`` is for
    ``group.protocol=consumer``. ``state_file`` keeps the registry's schema ids across restarts; messages are forgotten.
    Raises OSError when a port is taken, ClusterError when the broker refuses.
    """
    with mock_cluster() as cluster:
        cluster.set_session_timeout(session_timeout_ms)
        cluster.set_initial_rebalance_delay(0)
        for name, partitions in (topics or {}).items():
            cluster.create_topic(name, partitions)
        async with (
            forwarding(port, cluster.address) as actual_port,
            listening(registry_app(Schemas(state_file)), registry_port, logger) as actual_registry_port,
        ):
            cluster.advertise(LOOPBACK, actual_port)
            yield RunningKafka(actual_port, actual_registry_port, cluster)


running_kafka = in_thread(kafka)

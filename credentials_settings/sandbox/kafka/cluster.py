"""
librdkafka's mock cluster, called in the library that the confluent-kafka wheel brings along.

The functions are librdkafka's public ones for tests (``rdkafka_mock.h``); the Python package wraps only a ``test.mock``
setting, which is no use to other processes.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import confluent_kafka

PRODUCER = 0
"""``RD_KAFKA_PRODUCER``: a mock cluster hangs on a client; which kind does not matter."""
NO_ERROR = 0
LOG_ERRORS_ONLY = b"3"
"""A syslog level."""
LIBRARIES = ("../confluent_kafka.libs/librdkafka*.so*", ".dylibs/librdkafka*.dylib")
"""Where the wheels of confluent-kafka for Linux and macOS put the library, relative to the package."""


class ClusterError(RuntimeError):
    """The embedded broker could not do what was asked."""


def load_library() -> ctypes.CDLL:
    """The librdkafka of the installed confluent-kafka, with the types of what is called. Raises ClusterError."""
    package = Path(confluent_kafka.__file__).parent
    found = sorted(path for pattern in LIBRARIES for path in package.glob(pattern))
    if not found:
        raise ClusterError(
            f"No librdkafka beside {package}: install confluent-kafka from its wheel, not from a source distribution."
        )
    library = ctypes.CDLL(str(found[0]))
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    signatures: dict[str, tuple[object, list[object]]] = {
        "rd_kafka_conf_new": (pointer, []),
        "rd_kafka_conf_set": (number, [pointer, text, text, text, ctypes.c_size_t]),
        "rd_kafka_new": (pointer, [number, pointer, text, ctypes.c_size_t]),
        "rd_kafka_destroy": (None, [pointer]),
        "rd_kafka_err2str": (text, [number]),
        "rd_kafka_mock_cluster_new": (pointer, [pointer, number]),
        "rd_kafka_mock_cluster_destroy": (None, [pointer]),
        "rd_kafka_mock_cluster_bootstraps": (text, [pointer]),
        "rd_kafka_mock_topic_create": (number, [pointer, text, number, number]),
        "rd_kafka_mock_broker_set_host_port": (number, [pointer, ctypes.c_int32, text, number]),
        "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, [pointer, ctypes.c_int32]),
        "rd_kafka_mock_set_group_consumer_session_timeout_ms": (None, [pointer, number]),
        "rd_kafka_mock_set_group_consumer_heartbeat_interval_ms": (None, [pointer, number]),
    }
    for name, (result, arguments) in signatures.items():
        try:
            function = getattr(library, name)
        except AttributeError as error:
            raise ClusterError(f"{found[0]} has no {name}: install the pinned version of confluent-kafka.") from error
        function.restype, function.argtypes = result, arguments
    return library


class MockCluster:
    """One broker, with id 1, on a loopback port that librdkafka picks."""

    def __init__(self, library: ctypes.CDLL, cluster: int) -> None:
        self._library = library
        self._cluster = cluster

    @property
    def address(self) -> tuple[str, int]:
        bootstraps: bytes = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster)
        host, _, port = bootstraps.decode().rpartition(":")
        return host, int(port)

    def advertise(self, host: str, port: int) -> None:
        """Tell clients this address instead of the broker's own. Raises ClusterError."""
        code = self._library.rd_kafka_mock_broker_set_host_port(self._cluster, 1, host.encode(), port)
        self._check(code, f"advertise {host}:{port}")

    def create_topic(self, name: str, partitions: int) -> None:
        """Raises ClusterError, for a name that exists too."""
        code = self._library.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, 1)
        self._check(code, f"create the topic {name} with {partitions} partitions")

    def set_session_timeout(self, milliseconds: int) -> None:
        """
        How long a silent member of a ``group.protocol=consumer`` group keeps its partitions.

        Members are told to give a sign of life three times as often; without that they would be thrown out in between.
        """
        self._library.rd_kafka_mock_set_group_consumer_session_timeout_ms(self._cluster, milliseconds)
        self._library.rd_kafka_mock_set_group_consumer_heartbeat_interval_ms(self._cluster, max(milliseconds // 3, 1))

    def set_initial_rebalance_delay(self, milliseconds: int) -> None:
        """How long a new classic group waits for more members before it hands out partitions."""
        self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, milliseconds)

    def _check(self, code: int, action: str) -> None:
        if code != NO_ERROR:
            reason: bytes = self._library.rd_kafka_err2str(code)
            raise ClusterError(f"The embedded broker cannot {action}: {reason.decode()}.")


@contextmanager
def mock_cluster() -> Iterator[MockCluster]:
    """A cluster while the block lasts. Raises ClusterError."""
    library = load_library()
    message = ctypes.create_string_buffer(512)
    configuration = library.rd_kafka_conf_new()
    # It would warn that a client without bootstrap servers cannot connect to Kafka, which this one never tries.
    library.rd_kafka_conf_set(configuration, b"log_level", LOG_ERRORS_ONLY, message, len(message))
    client = library.rd_kafka_new(PRODUCER, configuration, message, len(message))
    if not client:
        raise ClusterError(f"librdkafka makes no client: {message.value.decode()}.")
    try:
        cluster = library.rd_kafka_mock_cluster_new(client, 1)
        if not cluster:
            raise ClusterError("librdkafka starts no mock cluster: no loopback port is free.")
        try:
            yield MockCluster(library, cluster)
        finally:
            library.rd_kafka_mock_cluster_destroy(cluster)
    finally:
        library.rd_kafka_destroy(client)

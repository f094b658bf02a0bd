"""
The app's settings: the dictionary ``settings.BADGES``, read at every access, one property an option.

Each docstring is the option's documentation; the reference page in ``docs/references`` is made from them. Names in the
dictionary are the properties' names in capitals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings


class BadgesSettings:
    """Typed, lazy access to ``settings.BADGES``."""

    def _get(self, name: str, default: Any) -> Any:
        return getattr(settings, "BADGES", {}).get(name, default)

    # --- events ---

    @property
    def event_types(self) -> tuple[str, ...]:
        """
        The types of the public events that take part (S5). Default: the two course passing status events.

        A type that openedx-events does not know, or that cannot carry a learner, is a system-check error.
        """
        return tuple(
            self._get(
                "EVENT_TYPES",
                (
                    "org.openedx.learning.course.passing.status.updated.v1",
                    "org.openedx.learning.ccx.course.passing.status.updated.v1",
                ),
            )
        )

    @property
    def learner_paths(self) -> Mapping[str, str]:
        """
        Where the learner is, for event types in which S1's search finds the wrong one: event type -> dotted path,
        relative to the payload, of a ``UserData``. Default: none.
        """
        return dict(self._get("LEARNER_PATHS", {}))

    @property
    def future_tolerance(self) -> float:
        """How many seconds an event may be dated ahead of the clock before it has to wait (S8). Default: 300."""
        return float(self._get("FUTURE_TOLERANCE", 300))

    @property
    def rulebook_max_age(self) -> float:
        """
        For how many seconds a process may use its rules without looking whether they changed. Default: 1.

        ``load_badges`` returns this long after its commit, when the change is in force everywhere (S26).
        """
        return float(self._get("RULEBOOK_MAX_AGE", 1))

    @property
    def database_retries(self) -> int:
        """How often an event is handled again after a transient database error (S34). Default: 5."""
        return int(self._get("DATABASE_RETRIES", 5))

    @property
    def database_wait(self) -> float:
        """
        How many seconds a consumer waits, trying, for a database that does not answer before it stops without a
        commit (S35). Default: 60.
        """
        return float(self._get("DATABASE_WAIT", 60))

    @property
    def failed_event_attempts(self) -> int:
        """How often a failed event is retried by the sweep before it waits for a person. Default: 10."""
        return int(self._get("FAILED_EVENT_ATTEMPTS", 10))

    # --- the consumer ---

    @property
    def batch_size(self) -> int:
        """
        How many events that change something our consumer writes in one transaction, when so many wait; 500 at the
        most. 1: each by itself. Default: 100.

        They are never waited for. They hold their learners' locks together, for some tens of milliseconds.
        """
        return min(max(int(self._get("BATCH_SIZE", 100)), 1), 500)

    @property
    def kafka_settings(self) -> Mapping[str, Any]:
        """
        librdkafka settings of our consumer, over those that the ``EVENT_BUS_KAFKA_*`` settings give: SASL, TLS,
        client id, session time-out. Default: none. See librdkafka's CONFIGURATION.md.
        """
        return dict(self._get("KAFKA_SETTINGS", {}))

    @property
    def topic_wait(self) -> float:
        """How many seconds our consumer waits for a topic that does not exist before it stops. Default: 60."""
        return float(self._get("TOPIC_WAIT", 60))

    # --- our producer ---

    @property
    def kafka_producer_settings(self) -> Mapping[str, Any]:
        """
        librdkafka settings of our producer, over those that the ``EVENT_BUS_KAFKA_*`` settings give: SASL, TLS.
        Default: none.
        """
        return dict(self._get("KAFKA_PRODUCER_SETTINGS", {}))

    @property
    def produce_timeout(self) -> float:
        """
        How many seconds our producer waits for the broker's confirmation of one event. Shorter than ``ANNOUNCE_LEASE``.
        Default: 10.
        """
        return float(self._get("PRODUCE_TIMEOUT", 10))

    # --- providers ---

    @property
    def providers(self) -> Mapping[str, str]:
        """
        Provider name -> dotted path of its class. Default: ``{"credly": "badges.providers.credly.CredlyProvider"}``.
        """
        return dict(self._get("PROVIDERS", {"credly": "badges.providers.credly.CredlyProvider"}))

    @property
    def credly_sandbox(self) -> bool:
        """Talk to Credly's sandbox (sandbox-api.credly.com) instead of production. Default: False."""
        return bool(self._get("CREDLY_SANDBOX", False))

    @property
    def credly_api_base_url(self) -> str:
        """Overrides both of Credly's addresses, for a server of your own. Ends in ``/v1/``. Default: empty."""
        return str(self._get("CREDLY_API_BASE_URL", ""))

    @property
    def account_keys(self) -> Mapping[str, str]:
        """
        Keys that come from the deployment instead of the database: account id -> API key. Default: none.

        Such a key wins over a stored one and cannot be changed in the admin. Ids count in any case.
        """
        return {str(account).casefold(): key for account, key in self._get("ACCOUNT_KEYS", {}).items()}

    @property
    def secret_keys(self) -> Sequence[str]:
        """
        Fernet keys that encrypt the stored API keys, newest first; the others are only read with, so that a key can
        be rotated. Default: one derived from ``SECRET_KEY``. Make one with
        ``python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"``.
        """
        return tuple(self._get("SECRET_KEYS", ()))

    @property
    def connect_timeout(self) -> float:
        """How many seconds a connection to a provider may take. Default: 5."""
        return float(self._get("CONNECT_TIMEOUT", 5))

    @property
    def read_timeout(self) -> float:
        """How many seconds a provider may be silent. Default: 20."""
        return float(self._get("READ_TIMEOUT", 20))

    @property
    def sync_deadline(self) -> float:
        """How many seconds the synchronization of one account's templates may take in all. Default: 300."""
        return float(self._get("SYNC_DEADLINE", 300))

    # --- delivery ---

    @property
    def request_deadline(self) -> float:
        """How many seconds one execution of a delivery may spend on requests in all. Default: 60."""
        return float(self._get("REQUEST_DEADLINE", 60))

    @property
    def lease(self) -> float:
        """
        For how many seconds a worker's claim on a delivery holds (S39). Longer than ``REQUEST_DEADLINE`` and one
        request. Default: 120.
        """
        return float(self._get("LEASE", 120))

    @property
    def announce_lease(self) -> float:
        """For how many seconds the deciding process has the first try at an announcement. Default: 60."""
        return float(self._get("ANNOUNCE_LEASE", 60))

    @property
    def delivery_attempts(self) -> int:
        """After how many attempts a delivery is ``failed`` and waits for a person (S28). Default: 12."""
        return int(self._get("DELIVERY_ATTEMPTS", 12))

    @property
    def backoff_base(self) -> float:
        """The first pause between two attempts, in seconds; doubled each time, with jitter. Default: 10."""
        return float(self._get("BACKOFF_BASE", 10))

    @property
    def backoff_cap(self) -> float:
        """The longest pause between two attempts, in seconds. Default: 3600."""
        return float(self._get("BACKOFF_CAP", 3600))

    @property
    def breaker_failures(self) -> int:
        """
        After how many failures in a row, of all its deliveries, an account is tried with one delivery at a time (S28).
        Default: 5.
        """
        return int(self._get("BREAKER_FAILURES", 5))

    @property
    def breaker_pause(self) -> float:
        """How many seconds lie between two deliveries of such an account, until one is answered. Default: 60."""
        return float(self._get("BREAKER_PAUSE", 60))

    @property
    def account_rate_limit(self) -> float:
        """How many deliveries a second are sent with one account, by all workers together. Default: 0, no limit."""
        return float(self._get("ACCOUNT_RATE_LIMIT", 0))

    @property
    def settle_time(self) -> float:
        """
        How many seconds after an expired lease or an ambiguous attempt the provider's state is compared with ours
        once more (S39). Default: 900.
        """
        return float(self._get("SETTLE_TIME", 900))

    @property
    def sweep_interval(self) -> float:
        """How many seconds lie between two sweeps for overdue deliveries. Default: 30."""
        return float(self._get("SWEEP_INTERVAL", 30))

    @property
    def sweep_batch(self) -> int:
        """How many overdue deliveries one sweep enqueues at the most. Default: 500."""
        return int(self._get("SWEEP_BATCH", 500))

    @property
    def enqueue_grace(self) -> float:
        """
        After how many seconds a sweep enqueues a delivery again that the queue did not bring to an end. Default: 300.
        """
        return float(self._get("ENQUEUE_GRACE", 300))

    @property
    def enqueue(self) -> bool:
        """
        Hand deliveries to Celery at once. False: leave them to the sweep (``deliver_badges --loop``), for a
        deployment without Celery. Default: True.
        """
        return bool(self._get("ENQUEUE", True))

    @property
    def celery_app(self) -> str:
        """
        Dotted path of the Celery application that tasks are sent with; a host that has one names it here. Default:
        ``badges.celery.app``.
        """
        return str(self._get("CELERY_APP", "badges.celery.app"))

    # --- health ---

    @property
    def health_token(self) -> str:
        """
        What ``/badges/health/`` and ``/badges/metrics/`` want to be sent: ``Authorization: Bearer <token>``. Default:
        empty, open to everybody.
        """
        return str(self._get("HEALTH_TOKEN", "") or "")  # not "None", where a variable of the environment is missing

    @property
    def health_consumers(self) -> Sequence[tuple[str, str]]:
        """
        The consumers that ``/badges/health/`` asks the Kafka brokers about: pairs of topic (without prefix) and group.
        Default: none.
        """
        return tuple((str(topic), str(group)) for topic, group in self._get("HEALTH_CONSUMERS", ()))

    @property
    def health_lag(self) -> int:
        """How many messages a consumer may be behind before the health page answers 503. Default: 10000."""
        return int(self._get("HEALTH_LAG", 10_000))

    @property
    def health_overdue(self) -> float:
        """For how many seconds a delivery may be due before the health page answers 503. Default: 900."""
        return float(self._get("HEALTH_OVERDUE", 900))

    @property
    def health_failed_deliveries(self) -> int:
        """How many failed deliveries are no reason for the health page to answer 503. Default: 0."""
        return int(self._get("HEALTH_FAILED_DELIVERIES", 0))

    @property
    def health_failed_events(self) -> int:
        """
        How many failed events that wait for a person are no reason for the health page to answer 503. Default: 0.
        """
        return int(self._get("HEALTH_FAILED_EVENTS", 0))

    # --- journal and times ---

    @property
    def remembered_days(self) -> int:
        """
        After how many days ``purge_badges`` forgets the times of what was never fulfilled (S8); longer than the bus
        keeps events. 0: never. Default: 90.
        """
        return int(self._get("REMEMBERED_DAYS", 90))

    @property
    def finished_days(self) -> int:
        """
        After how many days ``purge_badges`` deletes deliveries that are over, and webhooks that were looked into; 0:
        never. Default: 90.
        """
        return int(self._get("FINISHED_DAYS", 90))

    @property
    def journal_days(self) -> int:
        """
        After how many days ``purge_badges`` deletes entries of the journal; 0: never. Default: 0.

        Nothing is decided from them, but why a learner has a badge is told by nothing else.
        """
        return int(self._get("JOURNAL_DAYS", 0))

    @property
    def clock_offset(self) -> float:
        """Seconds added to the host's clock; for fault scenarios only. Default: 0."""
        return float(self._get("CLOCK_OFFSET", 0))


conf = BadgesSettings()

"""
The standalone project's settings. What differs between deployments comes from the environment; see README.

Requires ``DJANGO_SECRET_KEY`` outside ``local`` and ``test``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import dj_database_url

from badges.plugin.deployment import producer_config
from credentials_settings import files_queue

BASE_DIR = Path(__file__).resolve().parents[2]
DATA_DIR = Path(os.environ.get("BADGES_DATA_DIR", BASE_DIR / ".data"))

SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY", "")
DEBUG = False
ALLOWED_HOSTS = os.environ.get("DJANGO_ALLOWED_HOSTS", "localhost,127.0.0.1").split(",")

# Cookies go over HTTPS only. HTTPS itself (redirect, HSTS) is the business of the proxy in front: it knows the domain.
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.sites",
    "django.contrib.staticfiles",
    "credentials_settings.host.core",
    "credentials_settings.host.credentials",
    "openedx_events",
    "badges",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

ROOT_URLCONF = "credentials_settings.urls"
WSGI_APPLICATION = "credentials_settings.wsgi.application"
AUTH_USER_MODEL = "core.User"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
SITE_ID = 1
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"


def database(url: str) -> dict[str, Any]:
    """
    Django's settings of the database at ``url``.

    SQLite gets what makes it fit for several processes: write-ahead log, and transactions that take the write lock at
    once instead of failing half-way.
    """
    config: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=None))
    options = config.setdefault("OPTIONS", {})
    if "sqlite" in config["ENGINE"]:
        options.setdefault("transaction_mode", "IMMEDIATE")
        options.setdefault("timeout", 30)
        options.setdefault("init_command", "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")
    elif "mysql" in config["ENGINE"]:
        options.setdefault("charset", "utf8mb4")
    return config


DATABASES = {"default": database(os.environ.get("DATABASE_URL", f"sqlite:///{DATA_DIR / 'badges.sqlite3'}"))}

# --- the event bus -------------------------------------------------------------------------------------------

EVENTS_SERVICE_NAME = "credentials"
OPENEDX_TELEMETRY: list[str] = []
EVENT_BUS_PRODUCER_CONFIG = producer_config()
if os.environ.get("EVENT_BUS", "kafka") == "redis":
    EVENT_BUS_PRODUCER = "edx_event_bus_redis.create_producer"
    EVENT_BUS_CONSUMER = "edx_event_bus_redis.RedisEventConsumer"
    EVENT_BUS_REDIS_CONNECTION_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
    # Seconds. Shorter than the client's own patience with a silent server, 5 s: that would end each wait in an error.
    EVENT_BUS_REDIS_CONSUMER_POLL_TIMEOUT = 2
    EVENT_BUS_TOPIC_PREFIX = os.environ.get("EVENT_BUS_TOPIC_PREFIX", "dev")
else:
    EVENT_BUS_PRODUCER = os.environ.get("EVENT_BUS_PRODUCER", "badges.eventbus.producer.create_producer")
    EVENT_BUS_CONSUMER = os.environ.get("EVENT_BUS_CONSUMER", "badges.eventbus.consumer.KafkaEventConsumer")
    EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092")
    EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL = os.environ.get("SCHEMA_REGISTRY_URL", "http://127.0.0.1:8081")
    EVENT_BUS_TOPIC_PREFIX = os.environ.get("EVENT_BUS_TOPIC_PREFIX", "dev")

# --- Celery --------------------------------------------------------------------------------------------------

CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL", "filesystem://")
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_ACKS_LATE = True
# A worker waits for its broker however long it is away, instead of ending after 100 attempts.
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# A broker that is away must not hold up the consumer: the sweep finds what could not be enqueued.
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {"max_retries": 0, "socket_connect_timeout": 2}
if CELERY_BROKER_URL.startswith("filesystem:"):
    files_queue.use()
    _queue = DATA_DIR / "celery"
    for _part in ("queue", "control"):
        (_queue / _part).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_queue / "queue"),
        "data_folder_out": str(_queue / "queue"),
        "control_folder": str(_queue / "control"),
        "polling_interval": 0.1,
    }
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "celerybeat-schedule")

# --- badges --------------------------------------------------------------------------------------------------

BADGES: dict[str, Any] = {
    "CREDLY_API_BASE_URL": os.environ.get("CREDLY_API_BASE_URL", ""),
    "SECRET_KEYS": tuple(key for key in os.environ.get("BADGES_SECRET_KEYS", "").split(",") if key),
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": os.environ.get("LOG_LEVEL", "WARNING")},
    "loggers": {
        "badges": {"level": os.environ.get("BADGES_LOG_LEVEL", "INFO")},
        "kombu.connection": {"level": "ERROR"},  # warns that a file system has no host name
    },
}

"""Hints that a job waits, through Celery.

A message carries the name of a job and nothing else. Losing or doubling one is harmless: the
record says whether there is something to do, and the reconciler announces again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

import redis
from celery import Celery
from kombu.entity import Queue as BrokerQueue
from kombu.exceptions import OperationalError

from medsynth.platform.jobs.connection import domain_errors
from medsynth.platform.jobs.kinds import QUEUES

TASK: Final = "medsynth.job"
"""Name of the one Celery task. Its one argument is the name of a job."""

_PREFIX: Final = "medsynth:celery:"
_log = logging.getLogger(__name__)

Announce = Callable[[str, str], None]
"""Called with a queue and the name of a job that waits in it."""


def make_app(redis_url: str) -> Celery:
    """The Celery app of announcers and workers.

    Args:
        redis_url: The broker: the same Redis that holds the records, under keys of its own.
    """
    app = Celery("medsynth", broker=redis_url, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        task_acks_late=False,
        # Declared, a queue would be written down in Redis, which a full one refuses.
        task_queues=[
            BrokerQueue(queue, no_declare=True)  # type: ignore[no-untyped-call]
            for queue in QUEUES
        ],
        task_create_missing_queues=False,
        task_default_queue=QUEUES[0],
        task_publish_retry_policy={
            "max_retries": 2,
            "interval_start": 0,
            "interval_step": 0.2,
            "interval_max": 0.2,
        },
        worker_disable_prefetch=True,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # A Redis that is full, read-only or cannot write its file is waited for as one that is
        # down; without this it ends the worker.
        broker_channel_error_retry=True,
        broker_transport_options={
            "global_keyprefix": _PREFIX,
            # A hint that is lost comes again, so none is kept until it is acknowledged: a full
            # Redis would refuse to keep it.
            "ack_emulation": False,
            "socket_connect_timeout": 5,
            "socket_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 10,
        },
    )
    return app


class Announcer:
    """Sends hints. One that cannot be sent is logged and left to the reconciler.

    Args:
        redis_url: The broker.
    """

    def __init__(self, redis_url: str) -> None:
        self._app = make_app(redis_url)

    def __call__(self, queue: str, name: str) -> None:
        """Tells the workers of a queue that a job waits."""
        try:
            self._app.send_task(TASK, args=[name], queue=queue)
        except (OperationalError, redis.RedisError) as error:
            _log.warning("%s could not be announced, the reconciler will: %s", name, error)
        except Exception:  # noqa: BLE001
            # What the hint is about has happened, and is not undone for it.
            _log.exception("%s could not be announced, the reconciler will", name)


def messages_waiting(client: redis.Redis, queue: str) -> int:
    """How many hints no worker has taken yet.

    Raises:
        UnavailableError: Redis does not answer.
    """
    with domain_errors():
        length: Any = client.llen(_PREFIX + queue)
    return int(length)

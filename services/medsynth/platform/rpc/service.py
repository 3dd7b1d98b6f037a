"""How a service's process begins, runs and ends."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from medsynth.errors import MedsynthError
from medsynth.platform.jobs.connection import connect
from medsynth.platform.jobs.kinds import KINDS, JobKind
from medsynth.platform.jobs.metrics import ServiceMetrics
from medsynth.platform.jobs.reconciler import Reconciler
from medsynth.platform.jobs.store import JobStore
from medsynth.platform.retention import Collector
from medsynth.platform.rpc.metrics import RpcMetrics
from medsynth.platform.rpc.server import Add, Background, build_server, serve_until_signalled
from medsynth.platform.telemetry import set_up_logging, start_metrics
from medsynth.settings import Settings, get_settings
from medsynth.storage import Storage

_log = logging.getLogger(__name__)

MakeServicer = Callable[[JobStore, Storage, Settings], tuple[Any, Sequence[Background]]]
"""Makes a servicer, and what runs beside it."""


def run_service(name: str, service: str, add: Add, make: MakeServicer) -> NoReturn:
    """The main function of a service: serves until SIGTERM or SIGINT, then exits.

    Args:
        name: `trainer`, `sampler` or `evaluator`; the settings have `{name}_address`.
        service: Full name of the gRPC service.
        add: The generated function that adds its servicer.
        make: Makes the servicer.
    """
    settings = get_settings()
    set_up_logging(settings, name)
    try:
        store = JobStore(connect(settings.redis_url), settings)
        storage = Storage(settings.storage)
        servicer, background = make(store, storage, settings)
        address = settings.listen_address or getattr(settings, f"{name}_address")
        server = build_server(settings, address, [(add, servicer)], [service], metrics=RpcMetrics())
        metrics = start_metrics(settings.metrics_address)
    except MedsynthError as error:
        _log.error("cannot start: %s", error)
        sys.exit(1)
    _log.info("listens at %s", address)
    job_metrics = ServiceMetrics(store, [kind for kind in KINDS.values() if _is_of(kind, name)])
    reconciler = Reconciler(store, job_metrics.lease_expired)
    serve_until_signalled(server, [reconciler, Collector(store, storage), *background])
    if metrics is not None:
        metrics.shutdown()
    _log.info("has stopped")
    sys.exit(0)


def _is_of(kind: JobKind, service: str) -> bool:
    """Whether a service answers for a kind of job."""
    return kind.module.startswith(f"medsynth.{service}.")

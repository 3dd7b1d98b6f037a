from __future__ import annotations

import inspect
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from medsynth.client import Client
from medsynth.client.connection import Connection, Retry
from medsynth.settings import Settings
from medsynth.v1.trainer_pb2_grpc import TrainerServiceStub


def test_the_default_addresses_are_those_of_the_settings() -> None:
    parameters = inspect.signature(Client).parameters
    for service in ("trainer", "sampler", "evaluator"):
        default = Settings.model_fields[f"{service}_address"].default
        assert parameters[service].default == default


def test_the_client_needs_nothing_of_the_rest_of_the_house() -> None:
    program = (
        "import sys, medsynth.client\n"
        "print(sorted(name for name in sys.modules if name.startswith('medsynth.') "
        "and not name.startswith(('medsynth.client', 'medsynth.v1', 'medsynth.errors', "
        "'medsynth.levels'))))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert ran.stdout == b"[]\n"


def test_many_threads_may_make_the_first_call() -> None:
    for _ in range(20):
        connection = Connection("trainer", "127.0.0.1:1", TrainerServiceStub, 1.0, Retry())
        start = threading.Barrier(8)

        def method(
            _: int, connection: Connection = connection, start: threading.Barrier = start
        ) -> object:
            start.wait(30)
            return connection._method("ListPresets")

        with ThreadPoolExecutor(8) as threads:
            assert len(set(map(id, threads.map(method, range(8))))) == 1
        connection.close()

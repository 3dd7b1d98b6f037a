"""Jobs as they run for real: a store in Redis, a supervisor, a child process for each attempt."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from google.protobuf.message import Message

from medsynth.platform.jobs.record import JobRecord
from medsynth.platform.jobs.store import JobStore
from medsynth.platform.jobs.supervisor import Supervisor
from medsynth.settings import Settings
from medsynth.storage import Storage
from medsynth.v1.jobs_pb2 import JobState


class Workplace:
    """Runs jobs in this process' turn, children of waiting jobs included.

    Args:
        home: Folder of storage and weights.
        redis_url: Where the jobs are.
        patch: Sets the environment of the child processes.
        more: Further settings.
    """

    def __init__(
        self,
        home: Path,
        redis_url: str,
        patch: pytest.MonkeyPatch,
        more: Mapping[str, str] | None = None,
    ) -> None:
        values = {
            "home": str(home),
            "redis_url": redis_url,
            "weights_download": "false",
            "device": "cpu",
            "yield_seconds": "60",
            **(more or {}),
        }
        for name in [name for name in os.environ if name.startswith("MEDSYNTH_")]:
            patch.delenv(name)
        for name, value in values.items():
            patch.setenv(f"MEDSYNTH_{name.upper()}", value)
        patch.setenv("OMP_NUM_THREADS", "1")
        self.settings = Settings()
        self.storage = Storage(self.settings.storage)
        self.store = JobStore(redis_url, self.settings, announce=lambda queue, name: None)
        self.supervisor = Supervisor(self.store, self.settings, worker="test")

    def close(self) -> None:
        self.supervisor.close()

    def new_supervisor(self) -> Supervisor:
        """A worker that takes over from the one before."""
        self.supervisor.close()
        self.supervisor = Supervisor(self.store, self.settings, worker="test")
        return self.supervisor

    def run(self, kind: str, specification: Message) -> JobRecord:
        """Makes a job and runs it to its end."""
        return self.finish(self.store.create(kind, specification).name)

    def finish(self, name: str) -> JobRecord:
        """Runs a job, and what it waits for, to its end."""
        while not (record := self.store.get(name)).ended:
            if record.state == JobState.JOB_STATE_WAITING:
                for child in record.children:
                    self.finish(child)
            else:
                self.supervisor.run(name)
        return record

    def make(self, kind: str, specification: Message) -> JobRecord:
        """Like `run`, for jobs that have to succeed."""
        record = self.run(kind, specification)
        assert record.state == JobState.JOB_STATE_SUCCEEDED, record.error
        return record

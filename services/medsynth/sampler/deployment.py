"""Deployment: which generators Triton serves.

Triton's repository and memory are caches. A generator is deployed by putting its graph into the
repository and loading it; that it should stay deployed is remembered in Redis, so that a Triton
that lost its models (it was restarted, or replaced by an empty one) gets them back.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final, cast

import redis

from medsynth.errors import (
    FailedPreconditionError,
    MedsynthError,
    NotFoundError,
    UnavailableError,
)
from medsynth.platform.artifacts import GENERATORS, generator_message
from medsynth.platform.jobs.connection import domain_errors
from medsynth.sampler.repository import ModelRepository
from medsynth.sampler.triton import Triton
from medsynth.settings import Settings
from medsynth.storage import Artifact, Storage
from medsynth.v1 import types_pb2

DEPLOYED_KEY: Final = "medsynth:deployed"
"""Redis set of the ids of the generators that should be deployed."""

PATIENCE_SECONDS: Final = 30.0
"""How long a draw waits for a Triton that went away."""

_LOOK_SECONDS = 2.0
_AGAIN_SECONDS = 0.2

log = logging.getLogger(__name__)


class Deployment:
    """The generators in Triton.

    Every method may be called from many threads and processes at the same time.

    Args:
        storage: Where generators are.
        repository: Where Triton looks for models.
        triton: The server.
        records: Redis, where it is remembered what should be deployed. None: it is not.
    """

    def __init__(
        self,
        storage: Storage,
        repository: ModelRepository,
        triton: Triton,
        records: redis.Redis | None,
    ) -> None:
        self.storage = storage
        self.repository = repository
        self.triton = triton
        self.records = records

    @classmethod
    def from_settings(
        cls, settings: Settings, storage: Storage, records: redis.Redis | None = None
    ) -> Deployment:
        """The deployment that the settings describe."""
        repository = ModelRepository(settings.models, settings.triton_backend)
        return cls(storage, repository, Triton(settings.triton_url), records)

    def close(self) -> None:
        """Ends the connection to Triton."""
        self.triton.close()

    def find(self, generator_id: str) -> Artifact:
        """The published generator.

        Raises:
            NotFoundError: There is none of that id.
        """
        return self.storage.get(GENERATORS, generator_id)

    def deployed(self) -> set[str]:
        """Ids of the generators that Triton serves now; none when Triton does not answer."""
        try:
            return self.triton.ready_models(_LOOK_SECONDS)
        except UnavailableError:
            return set()

    def ensure(
        self,
        generator_id: str,
        *,
        patience: float = 0.0,
        wanted: Callable[[], bool] = lambda: True,
    ) -> types_pb2.Generator:
        """Deploys a generator unless it is deployed, and returns once it answers.

        Args:
            generator_id: Its id.
            patience: Seconds to wait for a Triton that does not answer.
            wanted: Asked now and then while waiting; waiting ends when it says no.

        Raises:
            NotFoundError: There is no such generator.
            DataError: Its graph is not what was published.
            FailedPreconditionError: Triton cannot load it.
            UnavailableError: Triton or Redis does not answer.
        """
        artifact = self.find(generator_id)
        generator = generator_message(artifact, deployed=True)
        deadline = time.monotonic() + patience
        loaded = False
        while True:
            try:
                if not self.triton.is_ready(generator_id):
                    self._load(artifact, generator)
                    loaded = True
                if loaded:
                    self._remember(generator_id)
                return generator
            except UnavailableError:
                if not self._wait_for_triton(deadline, wanted):
                    raise

    def deploy(self, generator_id: str) -> types_pb2.Generator:
        """Deploys a generator and remembers that it should stay deployed.

        Raises:
            NotFoundError, DataError, FailedPreconditionError, UnavailableError: as `ensure`.
        """
        generator = self.ensure(generator_id)
        self._remember(generator_id)
        return generator

    def withdraw(self, generator_id: str) -> None:
        """Unloads a generator and forgets that it was deployed.

        Raises:
            UnavailableError: Triton or Redis does not answer.
        """
        if self.records is not None:
            with domain_errors():
                self.records.srem(DEPLOYED_KEY, generator_id)
        try:
            self.triton.unload(generator_id)
        finally:
            self.repository.remove(generator_id)

    def restore(self) -> list[str]:
        """Deploys again what should be deployed and is not; returns the ids.

        Generators that were deleted are forgotten, and those that are withdrawn meanwhile stay
        so. One that cannot be deployed is logged and does not keep the others from coming back.

        Raises:
            UnavailableError: Triton or Redis does not answer.
        """
        if self.records is None:
            return []
        with domain_errors():
            members = cast("set[bytes]", self.records.smembers(DEPLOYED_KEY))
        ready = self.triton.ready_models()
        restored = []
        for generator_id in sorted(member.decode() for member in members):
            try:
                artifact = self.find(generator_id)
                if generator_id not in ready and self._load_again(artifact):
                    restored.append(generator_id)
            except NotFoundError:
                self.withdraw(generator_id)
            except UnavailableError:
                raise
            except Exception as error:  # noqa: BLE001
                log.warning("cannot deploy %s again: %s", generator_id, error)
        return restored

    def _load_again(self, artifact: Artifact) -> bool:
        """Whether it was loaded, and is still wanted."""
        generator_id = artifact.manifest.id
        if not self._is_remembered(generator_id):
            return False
        self._load(artifact, generator_message(artifact, deployed=True))
        if not self._is_remembered(generator_id):
            self.withdraw(generator_id)
            return False
        return True

    def _is_remembered(self, generator_id: str) -> bool:
        assert self.records is not None
        with domain_errors():
            return bool(self.records.sismember(DEPLOYED_KEY, generator_id))

    def _load(self, artifact: Artifact, generator: types_pb2.Generator) -> None:
        generator_id = artifact.manifest.id
        self.repository.publish(artifact, generator)
        try:
            self.triton.load(generator_id)
        except FailedPreconditionError:
            # Another process may have withdrawn the folder between the two steps.
            if not self.repository.publish(artifact, generator):
                self.repository.remove(generator_id)
                raise
            self.triton.load(generator_id)
        if not self.triton.is_ready(generator_id):
            raise UnavailableError(f"{generator.name} was unloaded while it was deployed")
        log.info("deployed %s", generator_id)

    def _remember(self, generator_id: str) -> None:
        if self.records is not None:
            with domain_errors():
                self.records.sadd(DEPLOYED_KEY, generator_id)

    def _wait_for_triton(self, deadline: float, wanted: Callable[[], bool]) -> bool:
        while wanted() and (left := deadline - time.monotonic()) > 0:
            if self.triton.wait_until_live(min(left, 1.0)):
                # It may live and what went wrong be something else.
                time.sleep(_AGAIN_SECONDS)
                return True
        return False


class Restorer:
    """A thread that calls `Deployment.restore` at intervals.

    Args:
        deployment: What to restore.
        seconds: Time between two looks.
    """

    def __init__(self, deployment: Deployment, seconds: float) -> None:
        self._deployment = deployment
        self._seconds = seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="restorer", daemon=True)

    def start(self) -> None:
        """Begins to look."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread and waits for it."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._seconds):
            try:
                for generator_id in self._deployment.restore():
                    log.info("brought %s back to Triton", generator_id)
            except MedsynthError as error:
                log.warning("cannot look after Triton's models: %s", error)
            except Exception:
                # Nobody else brings them back: what nobody thought of must not end the thread.
                log.exception("cannot look after Triton's models")

"""The client of the three services."""

from __future__ import annotations

from types import TracebackType

from medsynth.client.connection import Connection, Retry
from medsynth.client.evaluator import EvaluatorMethods
from medsynth.client.jobs import JobMethods
from medsynth.client.sampler import SamplerMethods
from medsynth.client.trainer import TrainerMethods
from medsynth.errors import InvalidArgumentError
from medsynth.v1.evaluator_pb2_grpc import EvaluatorServiceStub
from medsynth.v1.sampler_pb2_grpc import SamplerServiceStub
from medsynth.v1.trainer_pb2_grpc import TrainerServiceStub


class Client(TrainerMethods, SamplerMethods, EvaluatorMethods, JobMethods):
    """Calls the trainer, the sampler and the evaluator.

    Methods that start something long return its job at once; `wait` and `watch` follow it::

        with Client() as client:
            job = client.train("phantom://cardiac", "hinge", size=64, images=50_000)
            job = client.wait(job)
            for batch in client.sample(job.generator, 100):
                print(batch.images.shape)

    Errors are those of `medsynth.errors`: what a service refuses as it says it, a service that
    does not answer as `UnavailableError` with its address. Calls are repeated a few times when
    the connection breaks; creations carry a request id so that this makes no second job. A client
    may be used from several threads.

    Args:
        trainer: Address of the trainer, `host:port`. The defaults are those of `medsynth up` where
            these ports are free; `medsynth status` shows the actual ones. Empty: there is none.
        sampler: Address of the sampler.
        evaluator: Address of the evaluator.
        timeout: Deadline of a call that answers once, in seconds.
        retry: How calls and streams that break off are repeated.
    """

    def __init__(
        self,
        *,
        trainer: str = "127.0.0.1:7701",
        sampler: str = "127.0.0.1:7702",
        evaluator: str = "127.0.0.1:7703",
        timeout: float = 30.0,
        retry: Retry | None = None,
    ) -> None:
        retry = retry or Retry()
        self._connections = {
            "trainer": Connection("trainer", trainer, TrainerServiceStub, timeout, retry),
            "sampler": Connection("sampler", sampler, SamplerServiceStub, timeout, retry),
            "evaluator": Connection("evaluator", evaluator, EvaluatorServiceStub, timeout, retry),
        }

    def delete(self, name: str, *, force: bool = False) -> None:
        """Deletes what a job made, with its files.

        Args:
            name: `datasets/{id}`, `inspections/{id}`, `generators/{id}`,
                `syntheticDatasets/{id}` or `reports/{id}`.
            force: Delete it although others cite it; active jobs are respected all the same.

        Raises:
            InvalidArgumentError: The name is none of these.
            FailedPreconditionError: It is needed by a job that has not ended, or cited.
        """
        collection = name.partition("/")[0]
        if collection == "datasets":
            self.delete_dataset(name, force=force)
        elif collection == "generators":
            self.delete_generator(name, force=force)
        elif collection == "syntheticDatasets":
            self.delete_synthetic_dataset(name, force=force)
        elif collection == "reports":
            self.delete_report(name)
        elif collection == "inspections":
            self.delete_inspection(name)
        else:
            accepted = (
                "datasets/{id}, inspections/{id}, generators/{id}, syntheticDatasets/{id} or "
                "reports/{id}"
            )
            raise InvalidArgumentError.field("name", name, accepted)

    def close(self) -> None:
        """Ends the connections and what runs over them."""
        for connection in self._connections.values():
            connection.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

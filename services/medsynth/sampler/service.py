"""The sampler's gRPC service: `python -m medsynth.sampler.service`."""

# The methods' names are the contract's, and so is what they do.
# ruff: noqa: N802, D102

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NoReturn, cast

import grpc
from google.protobuf import empty_pb2
from prometheus_client import REGISTRY, CollectorRegistry

from medsynth.levels import bits_of
from medsynth.platform.artifacts import GENERATORS, SYNTHETIC_DATASETS, generator_message
from medsynth.platform.citations import check_deletable
from medsynth.platform.jobs.metrics import images_sampled
from medsynth.platform.jobs.record import JobRecord
from medsynth.platform.jobs.resource import JobMethods
from medsynth.platform.jobs.store import JobStore
from medsynth.platform.rpc.names import parse_name
from medsynth.platform.rpc.pages import page
from medsynth.platform.rpc.server import Background
from medsynth.platform.rpc.service import run_service
from medsynth.sampler.deployment import PATIENCE_SECONDS, Deployment, Restorer
from medsynth.sampler.description import described
from medsynth.sampler.drawing import Batch, Drawing
from medsynth.sampler.requests import check_format, check_sample, fill_synthetic_dataset
from medsynth.settings import Settings
from medsynth.storage import Artifact, Storage
from medsynth.v1 import jobs_pb2, sampler_pb2, sampler_pb2_grpc, types_pb2

KIND = "synthetic_dataset"
SERVICE = "medsynth.v1.SamplerService"


class SamplerServicer(sampler_pb2_grpc.SamplerServiceServicer):
    """The methods of `SamplerService`, as the contract describes them.

    Domain errors leave them as they are; the server turns them into statuses.

    Args:
        store: The jobs.
        deployment: The generators, in the storage and in Triton.
        in_flight: Batches of one stream that are under way at the same time.
        patience: Seconds that a stream waits for a Triton that went away.
        registry: Where it is counted what was drawn. None: nowhere that is shown.
    """

    def __init__(
        self,
        store: JobStore,
        deployment: Deployment,
        in_flight: int,
        patience: float = PATIENCE_SECONDS,
        registry: CollectorRegistry | None = None,
    ) -> None:
        self._sampled = images_sampled(registry or CollectorRegistry())
        self._store = store
        self._deployment = deployment
        self._in_flight = in_flight
        self._patience = patience
        self._jobs = JobMethods(store, KIND, _job, deployment.storage)

    def GetGenerator(
        self, request: sampler_pb2.GetGeneratorRequest, context: grpc.ServicerContext
    ) -> types_pb2.Generator:
        generator_id = parse_name(request.name, GENERATORS)
        artifact = self._deployment.find(generator_id)
        return generator_message(artifact, generator_id in self._deployment.deployed())

    def ListGenerators(
        self, request: sampler_pb2.ListGeneratorsRequest, context: grpc.ServicerContext
    ) -> sampler_pb2.ListGeneratorsResponse:
        generators, token = page(
            self._deployment.storage.list(GENERATORS),
            _age,
            GENERATORS,
            generator_message,
            size=request.page_size,
            token=request.page_token,
        )
        deployed = self._deployment.deployed()
        for generator in generators:
            generator.deployed = parse_name(generator.name, GENERATORS) in deployed
        return sampler_pb2.ListGeneratorsResponse(generators=generators, next_page_token=token)

    def DeployGenerator(
        self, request: sampler_pb2.DeployGeneratorRequest, context: grpc.ServicerContext
    ) -> types_pb2.Generator:
        return self._deployment.deploy(parse_name(request.name, GENERATORS))

    def UndeployGenerator(
        self, request: sampler_pb2.UndeployGeneratorRequest, context: grpc.ServicerContext
    ) -> types_pb2.Generator:
        generator_id = parse_name(request.name, GENERATORS)
        artifact = self._deployment.find(generator_id)
        self._deployment.withdraw(generator_id)
        return generator_message(artifact, deployed=False)

    def DeleteGenerator(
        self, request: sampler_pb2.DeleteGeneratorRequest, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        generator_id = parse_name(request.name, GENERATORS)
        generator = self._deployment.find(generator_id)
        check_deletable(generator, self._store, force=request.force)
        self._deployment.withdraw(generator_id)
        self._deployment.storage.delete(GENERATORS, generator_id)
        return empty_pb2.Empty()

    def Sample(
        self, request: sampler_pb2.SampleRequest, context: grpc.ServicerContext
    ) -> Iterator[sampler_pb2.SampleBatch]:
        generator_id = parse_name(request.generator, GENERATORS, "generator")
        check_sample(request)
        drawing = Drawing(
            self._deployment,
            generator_id,
            seed=request.seed,
            first=request.first_index,
            count=request.count,
            in_flight=self._in_flight,
            patience=self._patience,
        )
        # Runs when the client goes away and when its deadline passes. False: it has already.
        if not context.add_callback(drawing.cancel):
            return
        for batch in drawing:
            yield _message(batch)
            self._sampled.inc(len(batch.images))

    def DeleteSyntheticDataset(
        self, request: sampler_pb2.DeleteSyntheticDatasetRequest, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        identifier = parse_name(request.name, SYNTHETIC_DATASETS)
        storage = self._deployment.storage
        drawn = storage.get(SYNTHETIC_DATASETS, identifier)
        check_deletable(drawn, self._store, force=request.force)
        storage.delete(SYNTHETIC_DATASETS, identifier)
        return empty_pb2.Empty()

    def CreateSyntheticDatasetJob(
        self, request: sampler_pb2.CreateSyntheticDatasetJobRequest, context: grpc.ServicerContext
    ) -> sampler_pb2.SyntheticDatasetJob:
        generator_id = parse_name(
            request.specification.generator, GENERATORS, "specification.generator"
        )
        specification = fill_synthetic_dataset(request.specification)
        generator = generator_message(self._deployment.find(generator_id))
        description = described(specification, generator, self._deployment.storage)
        check_format(specification.format, generator, description)
        job: sampler_pb2.SyntheticDatasetJob = self._jobs.create(request, specification)
        return job

    def GetSyntheticDatasetJob(
        self, request: sampler_pb2.GetSyntheticDatasetJobRequest, context: grpc.ServicerContext
    ) -> sampler_pb2.SyntheticDatasetJob:
        job: sampler_pb2.SyntheticDatasetJob = self._jobs.get(request)
        return job

    def ListSyntheticDatasetJobs(
        self, request: sampler_pb2.ListSyntheticDatasetJobsRequest, context: grpc.ServicerContext
    ) -> sampler_pb2.ListSyntheticDatasetJobsResponse:
        response: sampler_pb2.ListSyntheticDatasetJobsResponse = self._jobs.list(request)
        return response

    def CancelSyntheticDatasetJob(
        self, request: sampler_pb2.CancelSyntheticDatasetJobRequest, context: grpc.ServicerContext
    ) -> sampler_pb2.SyntheticDatasetJob:
        job: sampler_pb2.SyntheticDatasetJob = self._jobs.cancel(request)
        return job

    def WatchSyntheticDatasetJob(
        self, request: sampler_pb2.WatchSyntheticDatasetJobRequest, context: grpc.ServicerContext
    ) -> Iterator[jobs_pb2.JobEvent]:
        return self._jobs.watch(request, context.is_active)

    def DeleteSyntheticDatasetJob(
        self, request: sampler_pb2.DeleteSyntheticDatasetJobRequest, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        return self._jobs.delete(request)


def _age(artifact: Artifact) -> tuple[str, str]:
    return artifact.manifest.created, artifact.manifest.id


def _message(batch: Batch) -> sampler_pb2.SampleBatch:
    count, channels, height, width = batch.images.shape
    return sampler_pb2.SampleBatch(
        first_index=batch.first_index,
        count=count,
        channels=channels,
        height=height,
        width=width,
        bits=bits_of(batch.images),
        images=batch.images.astype(batch.images.dtype.newbyteorder("<"), copy=False).tobytes(),
        masks=b"" if batch.masks is None else batch.masks.tobytes(),
    )


def _job(record: JobRecord) -> sampler_pb2.SyntheticDatasetJob:
    return sampler_pb2.SyntheticDatasetJob(
        name=record.name,
        status=record.status(),
        specification=cast(sampler_pb2.SyntheticDatasetSpecification, record.specification),
        uri=record.result.get("uri", ""),
        digest=record.result.get("digest", ""),
    )


def _make(
    store: JobStore, storage: Storage, settings: Settings
) -> tuple[SamplerServicer, Sequence[Background]]:
    deployment = Deployment.from_settings(settings, storage, store.redis)
    servicer = SamplerServicer(store, deployment, settings.sample_in_flight, registry=REGISTRY)
    return servicer, [Restorer(deployment, settings.reconcile_seconds)]


def main() -> NoReturn:
    """Serves until SIGTERM or SIGINT."""
    run_service("sampler", SERVICE, sampler_pb2_grpc.add_SamplerServiceServicer_to_server, _make)


if __name__ == "__main__":
    main()

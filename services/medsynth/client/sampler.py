"""The sampler's methods: generators, images, synthetic data sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from google.protobuf import empty_pb2

from medsynth.client.connection import Connection
from medsynth.client.names import new_request_id, resource_name
from medsynth.errors import UnavailableError
from medsynth.levels import Labels, Pixels, array_type
from medsynth.v1 import sampler_pb2, types_pb2

_DEPLOY_SECONDS = 300.0


@dataclass(frozen=True)
class Batch:
    """Images of consecutive indexes.

    Attributes:
        first_index: Index of the first image.
        images: uint8, or uint16 for 16 bits (N, C, H, W).
        masks: uint8 labels, (N, H, W); None for a generator without masks.
    """

    first_index: int
    images: Pixels
    masks: Labels | None

    @classmethod
    def from_message(cls, message: sampler_pb2.SampleBatch) -> Batch:
        """The arrays of a message, which share its memory and are read-only."""
        n, height, width = message.count, message.height, message.width
        images = np.frombuffer(message.images, array_type(message.bits).newbyteorder("<"))
        masks = np.frombuffer(message.masks, np.uint8)
        return cls(
            message.first_index,
            images.reshape(n, message.channels, height, width),
            masks.reshape(n, height, width) if masks.size else None,
        )


class SamplerMethods:
    """Part of `Client`: what the sampler does."""

    _connections: Mapping[str, Connection]

    def generator(self, name: str) -> types_pb2.Generator:
        """A generator, by name or id."""
        request = sampler_pb2.GetGeneratorRequest(name=_generator(name))
        return self._sampler.call("GetGenerator", request, types_pb2.Generator)

    def generators(self) -> Iterator[types_pb2.Generator]:
        """The generators, newest first, read page by page."""
        token = ""
        while True:
            request = sampler_pb2.ListGeneratorsRequest(page_token=token)
            page = self._sampler.call("ListGenerators", request, sampler_pb2.ListGeneratorsResponse)
            yield from page.generators
            token = page.next_page_token
            if not token:
                return

    def deploy(self, name: str) -> types_pb2.Generator:
        """Loads a generator in Triton and returns once it answers there."""
        request = sampler_pb2.DeployGeneratorRequest(name=_generator(name))
        return self._sampler.call(
            "DeployGenerator", request, types_pb2.Generator, timeout=_DEPLOY_SECONDS
        )

    def undeploy(self, name: str) -> types_pb2.Generator:
        """Unloads a generator from Triton."""
        request = sampler_pb2.UndeployGeneratorRequest(name=_generator(name))
        return self._sampler.call(
            "UndeployGenerator", request, types_pb2.Generator, timeout=_DEPLOY_SECONDS
        )

    def delete_generator(self, name: str, *, force: bool = False) -> None:
        """Unloads and deletes a generator.

        Args:
            name: Its name or id.
            force: Delete it although reports or synthetic data sets cite it.

        Raises:
            FailedPreconditionError: It is needed by a job that has not ended, or cited.
        """
        request = sampler_pb2.DeleteGeneratorRequest(name=_generator(name), force=force)
        self._sampler.call("DeleteGenerator", request, empty_pb2.Empty, timeout=_DEPLOY_SECONDS)

    def delete_synthetic_dataset(self, name: str, *, force: bool = False) -> None:
        """Deletes a synthetic data set with its files.

        Args:
            name: `syntheticDatasets/{id}`, or the id alone, which is that of the job that drew it.
            force: Delete it although reports cite it.

        Raises:
            FailedPreconditionError: It is needed by a job that has not ended, or cited.
        """
        request = sampler_pb2.DeleteSyntheticDatasetRequest(
            name=resource_name(name, "syntheticDatasets"), force=force
        )
        self._sampler.call("DeleteSyntheticDataset", request, empty_pb2.Empty)

    def sample(
        self, generator: str, count: int, *, seed: int = 0, first: int = 0
    ) -> Iterator[Batch]:
        """Images from a generator, in the order of their indexes.

        Image i depends on the generator's weights, the seed and i alone. A lost connection is
        opened again at the next index, so that each image comes once.

        Args:
            generator: Name or id.
            count: Images, 1 to 10^9.
            seed: 0 to 2^63-1.
            first: Index of the first image, 0 to 2^63-1.
        """
        name = _generator(generator)

        def request_after(last: sampler_pb2.SampleBatch | None) -> sampler_pb2.SampleRequest | None:
            begin = first if last is None else last.first_index + last.count
            left = first + count - begin
            if last is not None and left <= 0:
                return None
            return sampler_pb2.SampleRequest(
                generator=name, count=left, seed=seed, first_index=begin
            )

        messages: Iterator[sampler_pb2.SampleBatch] = self._sampler.stream("Sample", request_after)
        index = first
        for message in messages:
            index = message.first_index + message.count
            yield Batch.from_message(message)
        if index < first + count:
            raise UnavailableError(f"The sampler ended the stream before image {index}")

    def create_synthetic_dataset(
        self,
        generator: str,
        *,
        count: int | None = None,
        seed: int | None = None,
        first_index: int | None = None,
        format: str | None = None,
        statement: sampler_pb2.SetStatement | None = None,
        request_id: str | None = None,
    ) -> sampler_pb2.SyntheticDatasetJob:
        """Starts a job that draws a whole data set into the services' storage.

        Args:
            generator: Name or id.
            count: Images. None: 10,000.
            seed: Seed of the draw. None: 0.
            first_index: Index of the first image. None: 0.
            format: `png`, `npz`, `nifti`, `nnunet`, `dicom`, `webdataset` or `coco`. None: `png`.
            statement: What the set says about itself. None: that it is not stated.
            request_id: The same id with the same request answers with the same job. None: a
                fresh one.
        """
        specification = sampler_pb2.SyntheticDatasetSpecification(
            generator=_generator(generator),
            count=count,
            seed=seed,
            first_index=first_index,
            format=format,
            statement=statement,
        )
        request = sampler_pb2.CreateSyntheticDatasetJobRequest(
            specification=specification, request_id=new_request_id(request_id)
        )
        return self._sampler.call(
            "CreateSyntheticDatasetJob", request, sampler_pb2.SyntheticDatasetJob
        )

    @property
    def _sampler(self) -> Connection:
        return self._connections["sampler"]


def _generator(name: str) -> str:
    return resource_name(name, "generators")

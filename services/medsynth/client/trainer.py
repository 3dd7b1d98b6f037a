"""The trainer's methods: prepared sets, trainings, presets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypedDict, Unpack

from google.protobuf import empty_pb2

from medsynth.client.connection import Connection
from medsynth.client.names import new_request_id, resource_name
from medsynth.client.pages import first_part, whole_page
from medsynth.v1 import trainer_pb2, types_pb2


class PreparationFields(TypedDict, total=False):
    """The fields of the message `Preparation`, as keyword arguments."""

    size: int
    crop: str
    crop_share: float
    intensity: str
    intensity_low: float
    intensity_high: float
    train_share: float
    validation_share: float
    split_seed: int
    orientation: str
    slicing: str
    spacing: float
    slice_spacing: float
    keep_empty_share: float
    fit: str
    channels: int
    label_map: Mapping[int, int]
    split: str
    folds: int
    fold: int
    assignment: types_pb2.Assignment
    bad_share: float
    bits: int
    foreground_share: float


class SourceFields(PreparationFields, total=False):
    """What a `DataSource` says beside its URI, as keyword arguments.

    The name of its reader, and the fields of the messages `ReaderOptions` and `Preparation`.
    """

    reader: str
    patient_pattern: str
    class_names: Sequence[str]
    structures: Sequence[str]
    mask_values: Sequence[int]


def data_source(data: types_pb2.DataSource | str, fields: SourceFields) -> types_pb2.DataSource:
    """A data source, from its URI if need be, with fields of it set; these replace its own.

    Raises:
        TypeError: There is no such field.
    """
    if unknown := sorted(fields.keys() - SourceFields.__annotations__.keys()):
        raise TypeError(f"a data source has no field {', '.join(unknown)}")
    source = types_pb2.DataSource()
    if isinstance(data, str):
        source.uri = data
    else:
        source.CopyFrom(data)
    given: Mapping[str, Any] = {**fields}
    parts: Sequence[Any] = (source, source.options, source.preparation)
    for part in parts:
        chosen = {name: given[name] for name in part.DESCRIPTOR.fields_by_name if name in given}
        for name in chosen:
            part.ClearField(name)
        if chosen:
            part.MergeFrom(type(part)(**chosen))
    return source


class TrainerMethods:
    """Part of `Client`: what the trainer does."""

    _connections: Mapping[str, Connection]

    def prepare(
        self,
        data: types_pb2.DataSource | str,
        *,
        request_id: str | None = None,
        **fields: Unpack[SourceFields],
    ) -> trainer_pb2.PreparationJob:
        """Starts the preparation of a data source.

        Args:
            data: A `DataSource`, or its URI alone (`phantom://cardiac`, an absolute path).
            request_id: The same id with the same request answers with the same job. None: a
                fresh one.
            fields: Of the data source: its `reader`, what the reader is told, such as
                `patient_pattern`, and its preparation, such as `size=128`.
        """
        request = trainer_pb2.PrepareDatasetRequest(
            specification=data_source(data, fields), request_id=new_request_id(request_id)
        )
        return self._trainer.call("PrepareDataset", request, trainer_pb2.PreparationJob)

    def inspect(
        self,
        data: types_pb2.DataSource | str,
        *,
        request_id: str | None = None,
        **fields: Unpack[SourceFields],
    ) -> trainer_pb2.InspectionJob:
        """Starts a job that reads everything a source holds and says what it is.

        Args:
            data: A `DataSource`, or its URI alone.
            request_id: As for `prepare`.
            fields: As for `prepare`, as far as the inspection heeds them.
        """
        request = trainer_pb2.InspectDatasetRequest(
            specification=data_source(data, fields), request_id=new_request_id(request_id)
        )
        return self._trainer.call("InspectDataset", request, trainer_pb2.InspectionJob)

    def inspection(self, name: str) -> trainer_pb2.Inspection:
        """What an inspection found.

        Args:
            name: `inspections/{id}` or the id alone (`InspectionJob.inspection`).
        """
        request = trainer_pb2.GetInspectionRequest(name=resource_name(name, "inspections"))
        found: trainer_pb2.Inspection = first_part(self._trainer, "GetInspection", request)
        return found

    def inspection_html(self, name: str) -> bytes:
        """The inspection's page: UTF-8, needs no other file."""
        request = trainer_pb2.GetInspectionRequest(
            name=resource_name(name, "inspections"), include_html=True
        )
        return whole_page(self._trainer, "GetInspection", request)

    def delete_inspection(self, name: str) -> None:
        """Deletes an inspection, by name or id."""
        request = trainer_pb2.DeleteInspectionRequest(name=resource_name(name, "inspections"))
        self._trainer.call("DeleteInspection", request, empty_pb2.Empty)

    def train(
        self,
        data: types_pb2.DataSource | str,
        gan: types_pb2.GanSpecification | str,
        *,
        images: int | None = None,
        seed: int | None = None,
        precision: str | None = None,
        checkpoint_images: int | None = None,
        grid_images: int | None = None,
        request_id: str | None = None,
        **fields: Unpack[SourceFields],
    ) -> trainer_pb2.TrainingJob:
        """Starts a training; `wait` returns it once it has ended.

        Args:
            data: A `DataSource`, or its URI alone.
            gan: A `GanSpecification`, or the name of a preset alone.
            images: Real images that the discriminator is shown. None: 100,000.
            seed: Seed of every random number. None: 0.
            precision: `auto`, `float32`, `bfloat16` or `float16`. None: `auto`.
            checkpoint_images: Images between checkpoints. None: 20,000.
            grid_images: Images between sample grids. None: 10,000.
            request_id: The same id with the same request answers with the same job. None: a
                fresh one.
            fields: As for `prepare`.
        """
        specification = trainer_pb2.TrainingSpecification(
            data=data_source(data, fields),
            gan=types_pb2.GanSpecification(preset=gan) if isinstance(gan, str) else gan,
            images=images,
            seed=seed,
            precision=precision,
            checkpoint_images=checkpoint_images,
            grid_images=grid_images,
        )
        request = trainer_pb2.CreateTrainingJobRequest(
            specification=specification, request_id=new_request_id(request_id)
        )
        return self._trainer.call("CreateTrainingJob", request, trainer_pb2.TrainingJob)

    def dataset(self, name: str) -> types_pb2.Dataset:
        """A prepared set, by name or id."""
        request = trainer_pb2.GetDatasetRequest(name=resource_name(name, "datasets"))
        return self._trainer.call("GetDataset", request, types_pb2.Dataset)

    def datasets(self) -> Iterator[types_pb2.Dataset]:
        """The prepared sets, newest first, read page by page."""
        token = ""
        while True:
            request = trainer_pb2.ListDatasetsRequest(page_token=token)
            page = self._trainer.call("ListDatasets", request, trainer_pb2.ListDatasetsResponse)
            yield from page.datasets
            token = page.next_page_token
            if not token:
                return

    def delete_dataset(self, name: str, *, force: bool = False) -> None:
        """Deletes a prepared set.

        Args:
            name: Its name or id.
            force: Delete it although generators or reports cite it.

        Raises:
            FailedPreconditionError: It is needed by a job that has not ended, or cited.
        """
        request = trainer_pb2.DeleteDatasetRequest(
            name=resource_name(name, "datasets"), force=force
        )
        self._trainer.call("DeleteDataset", request, empty_pb2.Empty)

    def presets(self) -> Sequence[trainer_pb2.Preset]:
        """The presets with every field of their specification."""
        request = trainer_pb2.ListPresetsRequest()
        return self._trainer.call("ListPresets", request, trainer_pb2.ListPresetsResponse).presets

    @property
    def _trainer(self) -> Connection:
        return self._connections["trainer"]

import datetime

from google.protobuf import empty_pb2 as _empty_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from medsynth.v1 import jobs_pb2 as _jobs_pb2
from medsynth.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TrainingSpecification(_message.Message):
    __slots__ = ("data", "gan", "images", "seed", "precision", "checkpoint_images", "grid_images")
    DATA_FIELD_NUMBER: _ClassVar[int]
    GAN_FIELD_NUMBER: _ClassVar[int]
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_IMAGES_FIELD_NUMBER: _ClassVar[int]
    GRID_IMAGES_FIELD_NUMBER: _ClassVar[int]
    data: _types_pb2.DataSource
    gan: _types_pb2.GanSpecification
    images: int
    seed: int
    precision: str
    checkpoint_images: int
    grid_images: int
    def __init__(self, data: _Optional[_Union[_types_pb2.DataSource, _Mapping]] = ..., gan: _Optional[_Union[_types_pb2.GanSpecification, _Mapping]] = ..., images: _Optional[int] = ..., seed: _Optional[int] = ..., precision: _Optional[str] = ..., checkpoint_images: _Optional[int] = ..., grid_images: _Optional[int] = ...) -> None: ...

class PreparationJob(_message.Message):
    __slots__ = ("name", "status", "specification", "dataset")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    SPECIFICATION_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    name: str
    status: _jobs_pb2.JobStatus
    specification: _types_pb2.DataSource
    dataset: str
    def __init__(self, name: _Optional[str] = ..., status: _Optional[_Union[_jobs_pb2.JobStatus, _Mapping]] = ..., specification: _Optional[_Union[_types_pb2.DataSource, _Mapping]] = ..., dataset: _Optional[str] = ...) -> None: ...

class PrepareDatasetRequest(_message.Message):
    __slots__ = ("specification", "request_id")
    SPECIFICATION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    specification: _types_pb2.DataSource
    request_id: str
    def __init__(self, specification: _Optional[_Union[_types_pb2.DataSource, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class GetPreparationJobRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListPreparationJobsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "states")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    states: _containers.RepeatedScalarFieldContainer[_jobs_pb2.JobState]
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., states: _Optional[_Iterable[_Union[_jobs_pb2.JobState, str]]] = ...) -> None: ...

class ListPreparationJobsResponse(_message.Message):
    __slots__ = ("jobs", "next_page_token")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[PreparationJob]
    next_page_token: str
    def __init__(self, jobs: _Optional[_Iterable[_Union[PreparationJob, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CancelPreparationJobRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class WatchPreparationJobRequest(_message.Message):
    __slots__ = ("name", "after_event_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    AFTER_EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    after_event_id: str
    def __init__(self, name: _Optional[str] = ..., after_event_id: _Optional[str] = ...) -> None: ...

class DeletePreparationJobRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class InspectionJob(_message.Message):
    __slots__ = ("name", "status", "specification", "inspection")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    SPECIFICATION_FIELD_NUMBER: _ClassVar[int]
    INSPECTION_FIELD_NUMBER: _ClassVar[int]
    name: str
    status: _jobs_pb2.JobStatus
    specification: _types_pb2.DataSource
    inspection: str
    def __init__(self, name: _Optional[str] = ..., status: _Optional[_Union[_jobs_pb2.JobStatus, _Mapping]] = ..., specification: _Optional[_Union[_types_pb2.DataSource, _Mapping]] = ..., inspection: _Optional[str] = ...) -> None: ...

class InspectDatasetRequest(_message.Message):
    __slots__ = ("specification", "request_id")
    SPECIFICATION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    specification: _types_pb2.DataSource
    request_id: str
    def __init__(self, specification: _Optional[_Union[_types_pb2.DataSource, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class GetInspectionJobRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListInspectionJobsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "states")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    states: _containers.RepeatedScalarFieldContainer[_jobs_pb2.JobState]
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., states: _Optional[_Iterable[_Union[_jobs_pb2.JobState, str]]] = ...) -> None: ...

class ListInspectionJobsResponse(_message.Message):
    __slots__ = ("jobs", "next_page_token")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[InspectionJob]
    next_page_token: str
    def __init__(self, jobs: _Optional[_Iterable[_Union[InspectionJob, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CancelInspectionJobRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class WatchInspectionJobRequest(_message.Message):
    __slots__ = ("name", "after_event_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    AFTER_EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    after_event_id: str
    def __init__(self, name: _Optional[str] = ..., after_event_id: _Optional[str] = ...) -> None: ...

class DeleteInspectionJobRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetInspectionRequest(_message.Message):
    __slots__ = ("name", "include_html")
    NAME_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_HTML_FIELD_NUMBER: _ClassVar[int]
    name: str
    include_html: bool
    def __init__(self, name: _Optional[str] = ..., include_html: _Optional[bool] = ...) -> None: ...

class GetInspectionResponse(_message.Message):
    __slots__ = ("inspection", "html")
    INSPECTION_FIELD_NUMBER: _ClassVar[int]
    HTML_FIELD_NUMBER: _ClassVar[int]
    inspection: Inspection
    html: bytes
    def __init__(self, inspection: _Optional[_Union[Inspection, _Mapping]] = ..., html: _Optional[bytes] = ...) -> None: ...

class DeleteInspectionRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class Inspection(_message.Message):
    __slots__ = ("name", "source", "reader", "patients", "volumes", "slices", "channels", "classes", "groups", "parts", "splits", "sizes", "spacings", "units", "intensities", "empty_slices", "duplicates", "problems", "problem_count", "remarks", "create_time", "listed_patients")
    class ChannelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: int
        def __init__(self, key: _Optional[int] = ..., value: _Optional[int] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    READER_FIELD_NUMBER: _ClassVar[int]
    PATIENTS_FIELD_NUMBER: _ClassVar[int]
    VOLUMES_FIELD_NUMBER: _ClassVar[int]
    SLICES_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    SPLITS_FIELD_NUMBER: _ClassVar[int]
    SIZES_FIELD_NUMBER: _ClassVar[int]
    SPACINGS_FIELD_NUMBER: _ClassVar[int]
    UNITS_FIELD_NUMBER: _ClassVar[int]
    INTENSITIES_FIELD_NUMBER: _ClassVar[int]
    EMPTY_SLICES_FIELD_NUMBER: _ClassVar[int]
    DUPLICATES_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_COUNT_FIELD_NUMBER: _ClassVar[int]
    REMARKS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    LISTED_PATIENTS_FIELD_NUMBER: _ClassVar[int]
    name: str
    source: _types_pb2.DataSource
    reader: str
    patients: int
    volumes: int
    slices: int
    channels: _containers.ScalarMap[int, int]
    classes: _containers.RepeatedCompositeFieldContainer[ClassSummary]
    groups: _containers.RepeatedCompositeFieldContainer[GroupSummary]
    parts: _containers.RepeatedCompositeFieldContainer[GroupSummary]
    splits: _containers.RepeatedCompositeFieldContainer[GroupSummary]
    sizes: _containers.RepeatedCompositeFieldContainer[SizeSummary]
    spacings: _containers.RepeatedCompositeFieldContainer[SpacingRange]
    units: str
    intensities: _containers.RepeatedCompositeFieldContainer[IntensitySummary]
    empty_slices: int
    duplicates: _containers.RepeatedCompositeFieldContainer[Duplicate]
    problems: _containers.RepeatedCompositeFieldContainer[FileProblem]
    problem_count: int
    remarks: _containers.RepeatedScalarFieldContainer[str]
    create_time: _timestamp_pb2.Timestamp
    listed_patients: _containers.RepeatedCompositeFieldContainer[PatientSummary]
    def __init__(self, name: _Optional[str] = ..., source: _Optional[_Union[_types_pb2.DataSource, _Mapping]] = ..., reader: _Optional[str] = ..., patients: _Optional[int] = ..., volumes: _Optional[int] = ..., slices: _Optional[int] = ..., channels: _Optional[_Mapping[int, int]] = ..., classes: _Optional[_Iterable[_Union[ClassSummary, _Mapping]]] = ..., groups: _Optional[_Iterable[_Union[GroupSummary, _Mapping]]] = ..., parts: _Optional[_Iterable[_Union[GroupSummary, _Mapping]]] = ..., splits: _Optional[_Iterable[_Union[GroupSummary, _Mapping]]] = ..., sizes: _Optional[_Iterable[_Union[SizeSummary, _Mapping]]] = ..., spacings: _Optional[_Iterable[_Union[SpacingRange, _Mapping]]] = ..., units: _Optional[str] = ..., intensities: _Optional[_Iterable[_Union[IntensitySummary, _Mapping]]] = ..., empty_slices: _Optional[int] = ..., duplicates: _Optional[_Iterable[_Union[Duplicate, _Mapping]]] = ..., problems: _Optional[_Iterable[_Union[FileProblem, _Mapping]]] = ..., problem_count: _Optional[int] = ..., remarks: _Optional[_Iterable[str]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., listed_patients: _Optional[_Iterable[_Union[PatientSummary, _Mapping]]] = ...) -> None: ...

class PatientSummary(_message.Message):
    __slots__ = ("name", "group", "part", "split", "volumes", "slices")
    NAME_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    SPLIT_FIELD_NUMBER: _ClassVar[int]
    VOLUMES_FIELD_NUMBER: _ClassVar[int]
    SLICES_FIELD_NUMBER: _ClassVar[int]
    name: str
    group: str
    part: str
    split: str
    volumes: int
    slices: int
    def __init__(self, name: _Optional[str] = ..., group: _Optional[str] = ..., part: _Optional[str] = ..., split: _Optional[str] = ..., volumes: _Optional[int] = ..., slices: _Optional[int] = ...) -> None: ...

class ClassSummary(_message.Message):
    __slots__ = ("label", "name", "pixels", "slices", "volumes")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PIXELS_FIELD_NUMBER: _ClassVar[int]
    SLICES_FIELD_NUMBER: _ClassVar[int]
    VOLUMES_FIELD_NUMBER: _ClassVar[int]
    label: int
    name: str
    pixels: int
    slices: int
    volumes: int
    def __init__(self, label: _Optional[int] = ..., name: _Optional[str] = ..., pixels: _Optional[int] = ..., slices: _Optional[int] = ..., volumes: _Optional[int] = ...) -> None: ...

class GroupSummary(_message.Message):
    __slots__ = ("name", "patients", "slices")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PATIENTS_FIELD_NUMBER: _ClassVar[int]
    SLICES_FIELD_NUMBER: _ClassVar[int]
    name: str
    patients: int
    slices: int
    def __init__(self, name: _Optional[str] = ..., patients: _Optional[int] = ..., slices: _Optional[int] = ...) -> None: ...

class SizeSummary(_message.Message):
    __slots__ = ("slices", "rows", "columns", "volumes")
    SLICES_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    VOLUMES_FIELD_NUMBER: _ClassVar[int]
    slices: int
    rows: int
    columns: int
    volumes: int
    def __init__(self, slices: _Optional[int] = ..., rows: _Optional[int] = ..., columns: _Optional[int] = ..., volumes: _Optional[int] = ...) -> None: ...

class SpacingRange(_message.Message):
    __slots__ = ("axis", "low", "median", "high")
    AXIS_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    MEDIAN_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    axis: str
    low: float
    median: float
    high: float
    def __init__(self, axis: _Optional[str] = ..., low: _Optional[float] = ..., median: _Optional[float] = ..., high: _Optional[float] = ...) -> None: ...

class IntensitySummary(_message.Message):
    __slots__ = ("channel", "low", "high", "percents", "percentiles", "edges", "counts")
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    PERCENTS_FIELD_NUMBER: _ClassVar[int]
    PERCENTILES_FIELD_NUMBER: _ClassVar[int]
    EDGES_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    channel: int
    low: float
    high: float
    percents: _containers.RepeatedScalarFieldContainer[float]
    percentiles: _containers.RepeatedScalarFieldContainer[float]
    edges: _containers.RepeatedScalarFieldContainer[float]
    counts: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, channel: _Optional[int] = ..., low: _Optional[float] = ..., high: _Optional[float] = ..., percents: _Optional[_Iterable[float]] = ..., percentiles: _Optional[_Iterable[float]] = ..., edges: _Optional[_Iterable[float]] = ..., counts: _Optional[_Iterable[float]] = ...) -> None: ...

class Duplicate(_message.Message):
    __slots__ = ("first", "second", "first_patient", "second_patient", "first_split", "second_split", "correlation", "turned")
    FIRST_FIELD_NUMBER: _ClassVar[int]
    SECOND_FIELD_NUMBER: _ClassVar[int]
    FIRST_PATIENT_FIELD_NUMBER: _ClassVar[int]
    SECOND_PATIENT_FIELD_NUMBER: _ClassVar[int]
    FIRST_SPLIT_FIELD_NUMBER: _ClassVar[int]
    SECOND_SPLIT_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_FIELD_NUMBER: _ClassVar[int]
    TURNED_FIELD_NUMBER: _ClassVar[int]
    first: str
    second: str
    first_patient: str
    second_patient: str
    first_split: str
    second_split: str
    correlation: float
    turned: bool
    def __init__(self, first: _Optional[str] = ..., second: _Optional[str] = ..., first_patient: _Optional[str] = ..., second_patient: _Optional[str] = ..., first_split: _Optional[str] = ..., second_split: _Optional[str] = ..., correlation: _Optional[float] = ..., turned: _Optional[bool] = ...) -> None: ...

class FileProblem(_message.Message):
    __slots__ = ("file", "reason")
    FILE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    file: str
    reason: str
    def __init__(self, file: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class GetDatasetRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListDatasetsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListDatasetsResponse(_message.Message):
    __slots__ = ("datasets", "next_page_token")
    DATASETS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    datasets: _containers.RepeatedCompositeFieldContainer[_types_pb2.Dataset]
    next_page_token: str
    def __init__(self, datasets: _Optional[_Iterable[_Union[_types_pb2.Dataset, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteDatasetRequest(_message.Message):
    __slots__ = ("name", "force")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    name: str
    force: bool
    def __init__(self, name: _Optional[str] = ..., force: _Optional[bool] = ...) -> None: ...

class TrainingJob(_message.Message):
    __slots__ = ("name", "status", "specification", "generator", "weights_digest")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    SPECIFICATION_FIELD_NUMBER: _ClassVar[int]
    GENERATOR_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_DIGEST_FIELD_NUMBER: _ClassVar[int]
    name: str
    status: _jobs_pb2.JobStatus
    specification: TrainingSpecification
    generator: str
    weights_digest: str
    def __init__(self, name: _Optional[str] = ..., status: _Optional[_Union[_jobs_pb2.JobStatus, _Mapping]] = ..., specification: _Optional[_Union[TrainingSpecification, _Mapping]] = ..., generator: _Optional[str] = ..., weights_digest: _Optional[str] = ...) -> None: ...

class CreateTrainingJobRequest(_message.Message):
    __slots__ = ("specification", "request_id")
    SPECIFICATION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    specification: TrainingSpecification
    request_id: str
    def __init__(self, specification: _Optional[_Union[TrainingSpecification, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class GetTrainingJobRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListTrainingJobsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "states")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    states: _containers.RepeatedScalarFieldContainer[_jobs_pb2.JobState]
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., states: _Optional[_Iterable[_Union[_jobs_pb2.JobState, str]]] = ...) -> None: ...

class ListTrainingJobsResponse(_message.Message):
    __slots__ = ("jobs", "next_page_token")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[TrainingJob]
    next_page_token: str
    def __init__(self, jobs: _Optional[_Iterable[_Union[TrainingJob, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CancelTrainingJobRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class WatchTrainingJobRequest(_message.Message):
    __slots__ = ("name", "after_event_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    AFTER_EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    after_event_id: str
    def __init__(self, name: _Optional[str] = ..., after_event_id: _Optional[str] = ...) -> None: ...

class DeleteTrainingJobRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListPresetsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListPresetsResponse(_message.Message):
    __slots__ = ("presets",)
    PRESETS_FIELD_NUMBER: _ClassVar[int]
    presets: _containers.RepeatedCompositeFieldContainer[Preset]
    def __init__(self, presets: _Optional[_Iterable[_Union[Preset, _Mapping]]] = ...) -> None: ...

class Preset(_message.Message):
    __slots__ = ("name", "summary", "paper", "gan")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    PAPER_FIELD_NUMBER: _ClassVar[int]
    GAN_FIELD_NUMBER: _ClassVar[int]
    name: str
    summary: str
    paper: str
    gan: _types_pb2.GanSpecification
    def __init__(self, name: _Optional[str] = ..., summary: _Optional[str] = ..., paper: _Optional[str] = ..., gan: _Optional[_Union[_types_pb2.GanSpecification, _Mapping]] = ...) -> None: ...

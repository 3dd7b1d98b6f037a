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

class EvaluationSpecification(_message.Message):
    __slots__ = ("generator", "synthetic_dataset_job", "folder", "data", "count", "metrics", "regimes", "repeats", "unet_steps", "seed")
    GENERATOR_FIELD_NUMBER: _ClassVar[int]
    SYNTHETIC_DATASET_JOB_FIELD_NUMBER: _ClassVar[int]
    FOLDER_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    REGIMES_FIELD_NUMBER: _ClassVar[int]
    REPEATS_FIELD_NUMBER: _ClassVar[int]
    UNET_STEPS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    generator: str
    synthetic_dataset_job: str
    folder: str
    data: _types_pb2.DataSource
    count: int
    metrics: _containers.RepeatedScalarFieldContainer[str]
    regimes: _containers.RepeatedScalarFieldContainer[str]
    repeats: int
    unet_steps: int
    seed: int
    def __init__(self, generator: _Optional[str] = ..., synthetic_dataset_job: _Optional[str] = ..., folder: _Optional[str] = ..., data: _Optional[_Union[_types_pb2.DataSource, _Mapping]] = ..., count: _Optional[int] = ..., metrics: _Optional[_Iterable[str]] = ..., regimes: _Optional[_Iterable[str]] = ..., repeats: _Optional[int] = ..., unet_steps: _Optional[int] = ..., seed: _Optional[int] = ...) -> None: ...

class EvaluationJob(_message.Message):
    __slots__ = ("name", "status", "specification", "report")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    SPECIFICATION_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    name: str
    status: _jobs_pb2.JobStatus
    specification: EvaluationSpecification
    report: str
    def __init__(self, name: _Optional[str] = ..., status: _Optional[_Union[_jobs_pb2.JobStatus, _Mapping]] = ..., specification: _Optional[_Union[EvaluationSpecification, _Mapping]] = ..., report: _Optional[str] = ...) -> None: ...

class CreateEvaluationJobRequest(_message.Message):
    __slots__ = ("specification", "request_id")
    SPECIFICATION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    specification: EvaluationSpecification
    request_id: str
    def __init__(self, specification: _Optional[_Union[EvaluationSpecification, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class GetEvaluationJobRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListEvaluationJobsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "states")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    states: _containers.RepeatedScalarFieldContainer[_jobs_pb2.JobState]
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., states: _Optional[_Iterable[_Union[_jobs_pb2.JobState, str]]] = ...) -> None: ...

class ListEvaluationJobsResponse(_message.Message):
    __slots__ = ("jobs", "next_page_token")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[EvaluationJob]
    next_page_token: str
    def __init__(self, jobs: _Optional[_Iterable[_Union[EvaluationJob, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CancelEvaluationJobRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class WatchEvaluationJobRequest(_message.Message):
    __slots__ = ("name", "after_event_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    AFTER_EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    after_event_id: str
    def __init__(self, name: _Optional[str] = ..., after_event_id: _Optional[str] = ...) -> None: ...

class DeleteEvaluationJobRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetReportRequest(_message.Message):
    __slots__ = ("name", "include_html")
    NAME_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_HTML_FIELD_NUMBER: _ClassVar[int]
    name: str
    include_html: bool
    def __init__(self, name: _Optional[str] = ..., include_html: _Optional[bool] = ...) -> None: ...

class DeleteReportRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetReportResponse(_message.Message):
    __slots__ = ("report", "html")
    REPORT_FIELD_NUMBER: _ClassVar[int]
    HTML_FIELD_NUMBER: _ClassVar[int]
    report: Report
    html: bytes
    def __init__(self, report: _Optional[_Union[Report, _Mapping]] = ..., html: _Optional[bytes] = ...) -> None: ...

class Report(_message.Message):
    __slots__ = ("name", "evaluation_job", "create_time", "dataset", "subject", "subject_digest", "scores")
    NAME_FIELD_NUMBER: _ClassVar[int]
    EVALUATION_JOB_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_DIGEST_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    name: str
    evaluation_job: str
    create_time: _timestamp_pb2.Timestamp
    dataset: str
    subject: str
    subject_digest: str
    scores: _containers.RepeatedCompositeFieldContainer[Score]
    def __init__(self, name: _Optional[str] = ..., evaluation_job: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., dataset: _Optional[str] = ..., subject: _Optional[str] = ..., subject_digest: _Optional[str] = ..., scores: _Optional[_Iterable[_Union[Score, _Mapping]]] = ...) -> None: ...

class Score(_message.Message):
    __slots__ = ("metric", "comparison", "label", "value", "low", "high", "protocol", "missing")
    METRIC_FIELD_NUMBER: _ClassVar[int]
    COMPARISON_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    metric: str
    comparison: str
    label: str
    value: float
    low: float
    high: float
    protocol: Protocol
    missing: str
    def __init__(self, metric: _Optional[str] = ..., comparison: _Optional[str] = ..., label: _Optional[str] = ..., value: _Optional[float] = ..., low: _Optional[float] = ..., high: _Optional[float] = ..., protocol: _Optional[_Union[Protocol, _Mapping]] = ..., missing: _Optional[str] = ...) -> None: ...

class Protocol(_message.Message):
    __slots__ = ("features", "weights_digest", "resize", "real_count", "synthetic_count", "seed", "split_digests", "repeats", "note")
    class SplitDigestsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_DIGEST_FIELD_NUMBER: _ClassVar[int]
    RESIZE_FIELD_NUMBER: _ClassVar[int]
    REAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    SYNTHETIC_COUNT_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    SPLIT_DIGESTS_FIELD_NUMBER: _ClassVar[int]
    REPEATS_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    features: str
    weights_digest: str
    resize: str
    real_count: int
    synthetic_count: int
    seed: int
    split_digests: _containers.ScalarMap[str, str]
    repeats: int
    note: str
    def __init__(self, features: _Optional[str] = ..., weights_digest: _Optional[str] = ..., resize: _Optional[str] = ..., real_count: _Optional[int] = ..., synthetic_count: _Optional[int] = ..., seed: _Optional[int] = ..., split_digests: _Optional[_Mapping[str, str]] = ..., repeats: _Optional[int] = ..., note: _Optional[str] = ...) -> None: ...

import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DataSource(_message.Message):
    __slots__ = ("uri", "reader", "preparation", "options")
    URI_FIELD_NUMBER: _ClassVar[int]
    READER_FIELD_NUMBER: _ClassVar[int]
    PREPARATION_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    uri: str
    reader: str
    preparation: Preparation
    options: ReaderOptions
    def __init__(self, uri: _Optional[str] = ..., reader: _Optional[str] = ..., preparation: _Optional[_Union[Preparation, _Mapping]] = ..., options: _Optional[_Union[ReaderOptions, _Mapping]] = ...) -> None: ...

class ReaderOptions(_message.Message):
    __slots__ = ("patient_pattern", "class_names", "structures", "mask_values")
    PATIENT_PATTERN_FIELD_NUMBER: _ClassVar[int]
    CLASS_NAMES_FIELD_NUMBER: _ClassVar[int]
    STRUCTURES_FIELD_NUMBER: _ClassVar[int]
    MASK_VALUES_FIELD_NUMBER: _ClassVar[int]
    patient_pattern: str
    class_names: _containers.RepeatedScalarFieldContainer[str]
    structures: _containers.RepeatedScalarFieldContainer[str]
    mask_values: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, patient_pattern: _Optional[str] = ..., class_names: _Optional[_Iterable[str]] = ..., structures: _Optional[_Iterable[str]] = ..., mask_values: _Optional[_Iterable[int]] = ...) -> None: ...

class Preparation(_message.Message):
    __slots__ = ("size", "crop", "crop_share", "intensity", "intensity_low", "intensity_high", "train_share", "validation_share", "split_seed", "orientation", "slicing", "spacing", "slice_spacing", "keep_empty_share", "fit", "channels", "label_map", "split", "folds", "fold", "assignment", "bad_share", "bits", "foreground_share")
    class LabelMapEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: int
        def __init__(self, key: _Optional[int] = ..., value: _Optional[int] = ...) -> None: ...
    SIZE_FIELD_NUMBER: _ClassVar[int]
    CROP_FIELD_NUMBER: _ClassVar[int]
    CROP_SHARE_FIELD_NUMBER: _ClassVar[int]
    INTENSITY_FIELD_NUMBER: _ClassVar[int]
    INTENSITY_LOW_FIELD_NUMBER: _ClassVar[int]
    INTENSITY_HIGH_FIELD_NUMBER: _ClassVar[int]
    TRAIN_SHARE_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_SHARE_FIELD_NUMBER: _ClassVar[int]
    SPLIT_SEED_FIELD_NUMBER: _ClassVar[int]
    ORIENTATION_FIELD_NUMBER: _ClassVar[int]
    SLICING_FIELD_NUMBER: _ClassVar[int]
    SPACING_FIELD_NUMBER: _ClassVar[int]
    SLICE_SPACING_FIELD_NUMBER: _ClassVar[int]
    KEEP_EMPTY_SHARE_FIELD_NUMBER: _ClassVar[int]
    FIT_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    LABEL_MAP_FIELD_NUMBER: _ClassVar[int]
    SPLIT_FIELD_NUMBER: _ClassVar[int]
    FOLDS_FIELD_NUMBER: _ClassVar[int]
    FOLD_FIELD_NUMBER: _ClassVar[int]
    ASSIGNMENT_FIELD_NUMBER: _ClassVar[int]
    BAD_SHARE_FIELD_NUMBER: _ClassVar[int]
    BITS_FIELD_NUMBER: _ClassVar[int]
    FOREGROUND_SHARE_FIELD_NUMBER: _ClassVar[int]
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
    label_map: _containers.ScalarMap[int, int]
    split: str
    folds: int
    fold: int
    assignment: Assignment
    bad_share: float
    bits: int
    foreground_share: float
    def __init__(self, size: _Optional[int] = ..., crop: _Optional[str] = ..., crop_share: _Optional[float] = ..., intensity: _Optional[str] = ..., intensity_low: _Optional[float] = ..., intensity_high: _Optional[float] = ..., train_share: _Optional[float] = ..., validation_share: _Optional[float] = ..., split_seed: _Optional[int] = ..., orientation: _Optional[str] = ..., slicing: _Optional[str] = ..., spacing: _Optional[float] = ..., slice_spacing: _Optional[float] = ..., keep_empty_share: _Optional[float] = ..., fit: _Optional[str] = ..., channels: _Optional[int] = ..., label_map: _Optional[_Mapping[int, int]] = ..., split: _Optional[str] = ..., folds: _Optional[int] = ..., fold: _Optional[int] = ..., assignment: _Optional[_Union[Assignment, _Mapping]] = ..., bad_share: _Optional[float] = ..., bits: _Optional[int] = ..., foreground_share: _Optional[float] = ...) -> None: ...

class Assignment(_message.Message):
    __slots__ = ("train", "validation", "test")
    TRAIN_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_FIELD_NUMBER: _ClassVar[int]
    TEST_FIELD_NUMBER: _ClassVar[int]
    train: _containers.RepeatedScalarFieldContainer[str]
    validation: _containers.RepeatedScalarFieldContainer[str]
    test: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, train: _Optional[_Iterable[str]] = ..., validation: _Optional[_Iterable[str]] = ..., test: _Optional[_Iterable[str]] = ...) -> None: ...

class Dataset(_message.Message):
    __slots__ = ("name", "digest", "source", "channels", "size", "classes", "splits", "create_time", "problems", "bits", "modality")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    SPLITS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    BITS_FIELD_NUMBER: _ClassVar[int]
    MODALITY_FIELD_NUMBER: _ClassVar[int]
    name: str
    digest: str
    source: DataSource
    channels: int
    size: int
    classes: _containers.RepeatedScalarFieldContainer[str]
    splits: _containers.RepeatedCompositeFieldContainer[DatasetSplit]
    create_time: _timestamp_pb2.Timestamp
    problems: int
    bits: int
    modality: str
    def __init__(self, name: _Optional[str] = ..., digest: _Optional[str] = ..., source: _Optional[_Union[DataSource, _Mapping]] = ..., channels: _Optional[int] = ..., size: _Optional[int] = ..., classes: _Optional[_Iterable[str]] = ..., splits: _Optional[_Iterable[_Union[DatasetSplit, _Mapping]]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., problems: _Optional[int] = ..., bits: _Optional[int] = ..., modality: _Optional[str] = ...) -> None: ...

class DatasetSplit(_message.Message):
    __slots__ = ("name", "patients", "volumes", "slices", "digest")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PATIENTS_FIELD_NUMBER: _ClassVar[int]
    VOLUMES_FIELD_NUMBER: _ClassVar[int]
    SLICES_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    name: str
    patients: int
    volumes: int
    slices: int
    digest: str
    def __init__(self, name: _Optional[str] = ..., patients: _Optional[int] = ..., volumes: _Optional[int] = ..., slices: _Optional[int] = ..., digest: _Optional[str] = ...) -> None: ...

class GanSpecification(_message.Message):
    __slots__ = ("preset", "architecture", "objective", "latent_dim", "generator_filters", "discriminator_filters", "generator_activation", "discriminator_activation", "generator_normalisation", "discriminator_normalisation", "generator_spectral_norm", "discriminator_spectral_norm", "weight_init", "init_gain", "optimiser", "generator_learning_rate", "discriminator_learning_rate", "beta1", "beta2", "discriminator_steps", "clip_value", "gradient_penalty_weight", "label_smoothing", "batch_size", "ema_half_life", "differentiable_augmentation")
    PRESET_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    OBJECTIVE_FIELD_NUMBER: _ClassVar[int]
    LATENT_DIM_FIELD_NUMBER: _ClassVar[int]
    GENERATOR_FILTERS_FIELD_NUMBER: _ClassVar[int]
    DISCRIMINATOR_FILTERS_FIELD_NUMBER: _ClassVar[int]
    GENERATOR_ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    DISCRIMINATOR_ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    GENERATOR_NORMALISATION_FIELD_NUMBER: _ClassVar[int]
    DISCRIMINATOR_NORMALISATION_FIELD_NUMBER: _ClassVar[int]
    GENERATOR_SPECTRAL_NORM_FIELD_NUMBER: _ClassVar[int]
    DISCRIMINATOR_SPECTRAL_NORM_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_INIT_FIELD_NUMBER: _ClassVar[int]
    INIT_GAIN_FIELD_NUMBER: _ClassVar[int]
    OPTIMISER_FIELD_NUMBER: _ClassVar[int]
    GENERATOR_LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    DISCRIMINATOR_LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    BETA1_FIELD_NUMBER: _ClassVar[int]
    BETA2_FIELD_NUMBER: _ClassVar[int]
    DISCRIMINATOR_STEPS_FIELD_NUMBER: _ClassVar[int]
    CLIP_VALUE_FIELD_NUMBER: _ClassVar[int]
    GRADIENT_PENALTY_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    LABEL_SMOOTHING_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    EMA_HALF_LIFE_FIELD_NUMBER: _ClassVar[int]
    DIFFERENTIABLE_AUGMENTATION_FIELD_NUMBER: _ClassVar[int]
    preset: str
    architecture: str
    objective: str
    latent_dim: int
    generator_filters: int
    discriminator_filters: int
    generator_activation: str
    discriminator_activation: str
    generator_normalisation: str
    discriminator_normalisation: str
    generator_spectral_norm: bool
    discriminator_spectral_norm: bool
    weight_init: str
    init_gain: float
    optimiser: str
    generator_learning_rate: float
    discriminator_learning_rate: float
    beta1: float
    beta2: float
    discriminator_steps: int
    clip_value: float
    gradient_penalty_weight: float
    label_smoothing: float
    batch_size: int
    ema_half_life: float
    differentiable_augmentation: bool
    def __init__(self, preset: _Optional[str] = ..., architecture: _Optional[str] = ..., objective: _Optional[str] = ..., latent_dim: _Optional[int] = ..., generator_filters: _Optional[int] = ..., discriminator_filters: _Optional[int] = ..., generator_activation: _Optional[str] = ..., discriminator_activation: _Optional[str] = ..., generator_normalisation: _Optional[str] = ..., discriminator_normalisation: _Optional[str] = ..., generator_spectral_norm: _Optional[bool] = ..., discriminator_spectral_norm: _Optional[bool] = ..., weight_init: _Optional[str] = ..., init_gain: _Optional[float] = ..., optimiser: _Optional[str] = ..., generator_learning_rate: _Optional[float] = ..., discriminator_learning_rate: _Optional[float] = ..., beta1: _Optional[float] = ..., beta2: _Optional[float] = ..., discriminator_steps: _Optional[int] = ..., clip_value: _Optional[float] = ..., gradient_penalty_weight: _Optional[float] = ..., label_smoothing: _Optional[float] = ..., batch_size: _Optional[int] = ..., ema_half_life: _Optional[float] = ..., differentiable_augmentation: _Optional[bool] = ...) -> None: ...

class Generator(_message.Message):
    __slots__ = ("name", "digest", "weights_digest", "training_job", "dataset", "source", "gan", "size", "channels", "classes", "images", "metrics", "create_time", "deployed", "bits")
    class MetricsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_DIGEST_FIELD_NUMBER: _ClassVar[int]
    TRAINING_JOB_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    GAN_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    DEPLOYED_FIELD_NUMBER: _ClassVar[int]
    BITS_FIELD_NUMBER: _ClassVar[int]
    name: str
    digest: str
    weights_digest: str
    training_job: str
    dataset: str
    source: DataSource
    gan: GanSpecification
    size: int
    channels: int
    classes: _containers.RepeatedScalarFieldContainer[str]
    images: int
    metrics: _containers.ScalarMap[str, float]
    create_time: _timestamp_pb2.Timestamp
    deployed: bool
    bits: int
    def __init__(self, name: _Optional[str] = ..., digest: _Optional[str] = ..., weights_digest: _Optional[str] = ..., training_job: _Optional[str] = ..., dataset: _Optional[str] = ..., source: _Optional[_Union[DataSource, _Mapping]] = ..., gan: _Optional[_Union[GanSpecification, _Mapping]] = ..., size: _Optional[int] = ..., channels: _Optional[int] = ..., classes: _Optional[_Iterable[str]] = ..., images: _Optional[int] = ..., metrics: _Optional[_Mapping[str, float]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., deployed: _Optional[bool] = ..., bits: _Optional[int] = ...) -> None: ...

"""Settings: every one has its home, its meaning and its default here.

Each is read from the environment (`MEDSYNTH_` and the name in capitals); nothing else in the
project reads the environment.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

_CHECKOUT = Path(__file__).resolve().parents[2]


def default_home() -> Path:
    """Where one machine keeps its stack: `.medsynth` in a checkout, else the user's data folder."""
    if (_CHECKOUT / "pyproject.toml").is_file() and (_CHECKOUT / "proto").is_dir():
        return _CHECKOUT / ".medsynth"
    data = os.environ.get("XDG_DATA_HOME", "")
    return (Path(data) if data else Path.home() / ".local" / "share") / "medsynth"


class Settings(BaseSettings):
    """What an operator sets. Times are in seconds, sizes in bytes."""

    model_config = SettingsConfigDict(env_prefix="MEDSYNTH_", extra="forbid", frozen=True)

    home: Path = Field(default_factory=default_home)
    """Folder of the one-machine stack: its logs, its Redis, its addresses, and its storage."""

    # Addresses
    trainer_address: str = "127.0.0.1:7701"
    sampler_address: str = "127.0.0.1:7702"
    evaluator_address: str = "127.0.0.1:7703"
    redis_url: str = "redis://127.0.0.1:7710/0"
    triton_url: str = "127.0.0.1:7721"
    """Triton's gRPC endpoint."""

    listen_address: str = ""
    """Address that a service listens on. Empty: its own address above."""
    metrics_address: str = ""
    """`host:port` of a process's Prometheus endpoint. Empty: none."""

    # Storage
    storage_root: str = ""
    """Folder or `s3://bucket/prefix` of all artifacts. Empty: `storage` in the home folder."""
    model_repository: str = ""
    """Triton's model repository. Empty: `models` in the home folder."""
    data_roots: tuple[str, ...] = ()
    """Folders that requests may name (JSON list). Empty: none but the phantom."""
    pseudonym_key_file: Path | None = None
    """Secret of the pseudonyms of DICOM patients: a file of at least 16 bytes for its owner's eyes
    alone, the same for every worker of trainer and evaluator. None: `pseudonym.key` in the home
    folder, made at the first need. With another key patients get other pseudonyms, and their
    source another prepared set."""
    weights_root: Path | None = None
    """Folder of pretrained weights. None: `weights` in the home folder."""
    weights_download: bool = True
    """Whether pretrained weights that are missing may be downloaded (checked by digest)."""

    # gRPC
    rpc_threads: int = Field(256, ge=4)
    """Calls that a service answers at the same time; a stream holds one."""
    rpc_grace: float = Field(5.0, ge=0)
    """How long running calls may go on after a service was told to stop."""
    max_request_bytes: int = Field(4 * 2**20, ge=2**16)

    # Jobs
    lease_seconds: float = Field(30.0, gt=0)
    """How long a worker holds a job without renewing; renewed at a third of it."""
    reconcile_seconds: float = Field(5.0, gt=0)
    """Interval of the reconciler."""
    announce_seconds: float = Field(15.0, gt=0)
    """A job that waits unclaimed for so long is announced again."""
    max_attempts: int = Field(5, ge=1)
    """Attempts in a row that infrastructure may break off without the job getting further than
    ever before; then it fails."""
    retry_seconds: float = Field(5.0, ge=0)
    """Pause before the third attempt in a row of this sort (the second begins at once); four times
    as long before each further one, up to 5 minutes."""
    yield_seconds: float = Field(60.0, gt=0)
    """How long a child may take to stop (checkpoint included) before it is killed."""
    hang_seconds: float = Field(3600.0, ge=0)
    """A child that neither reports nor computes nor moves on in its code for so long is killed and
    its job tried again. 0: never."""
    full_disk_seconds: float = Field(300.0, ge=0)
    """How long a job with checkpoints rests, once its disk is full, before its next attempt."""
    max_events: int = Field(10_000, ge=100)
    """Reports of progress kept for each job, and as many changes of its state; a tenth as many
    messages."""

    # Retention: seconds; 0: for ever
    collect_seconds: float = Field(3600.0, gt=0)
    """Interval at which one of the services removes what is not kept."""
    keep_drafts_seconds: float = Field(86_400.0, ge=0)
    """Files of attempts that broke off, and data sets that were drawn for an evaluation alone."""
    keep_checkpoints_seconds: float = Field(7 * 86_400.0, ge=0)
    """Checkpoints of jobs that failed or were cancelled, from their end on."""
    keep_events_seconds: float = Field(30 * 86_400.0, ge=0)
    """Events of jobs that have ended, from their end on."""
    keep_records_seconds: float = Field(90 * 86_400.0, ge=0)
    """Records of jobs that have ended, from their end on."""
    keep_datasets_seconds: float = Field(90 * 86_400.0, ge=0)
    """Prepared sets that nothing cites, which can be prepared again."""
    keep_inspections_seconds: float = Field(90 * 86_400.0, ge=0)
    """What inspections found."""
    keep_synthetic_datasets_seconds: float = Field(0.0, ge=0)
    """Synthetic data sets that nothing cites."""

    # Training
    device: str = "auto"
    """`auto`, `cpu` or `cuda`."""

    # Triton
    triton_backend: Literal["onnxruntime", "python"] = "onnxruntime"
    """`python`: the ONNX file is run by deploy/triton's model, where Triton has no onnxruntime
    backend."""
    sample_in_flight: int = Field(4, ge=1)
    """Inference requests of one stream that are under way at the same time."""

    log_format: Literal["json", "text"] = "json"

    @property
    def storage(self) -> str:
        """`storage_root` with its default."""
        return self.storage_root or str(self.home / "storage")

    @property
    def models(self) -> Path:
        """`model_repository` with its default."""
        return Path(self.model_repository) if self.model_repository else self.home / "models"

    @property
    def pseudonym_key(self) -> Path:
        """`pseudonym_key_file` with its default."""
        return self.pseudonym_key_file or self.home / "pseudonym.key"

    @property
    def weights(self) -> Path:
        """`weights_root` with its default."""
        return self.weights_root or self.home / "weights"


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()

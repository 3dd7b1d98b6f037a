"""Checkpoints that survive a kill at any moment.

A checkpoint is one file: a line with the sha256 of the rest, then what PyTorch saved. It is written
beside its place and renamed; the two newest are kept, so that a torn one falls back to the one
before. Reading executes nothing (`weights_only`).
"""

from __future__ import annotations

import errno
import hashlib
import io
import logging
import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import torch

from medsynth.errors import ResourceExhaustedError

KEPT = 2
"""Checkpoints that stay on disk."""

_LOG = logging.getLogger(__name__)
_MAGIC = b"medsynth checkpoint sha256:"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write(folder: Path, images: int, state: Mapping[str, Any]) -> Path:
    """Writes a checkpoint and removes those that are older than the two newest.

    Args:
        folder: Made if missing.
        images: Image count, which orders the checkpoints.
        state: Tensors, numbers, strings, lists and dictionaries.

    Raises:
        ResourceExhaustedError: The disk is full. What was there before is still there.
    """
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    payload = buffer.getbuffer()
    digest = hashlib.sha256(payload).hexdigest().encode()
    target = folder / f"checkpoint-{images:012d}.pt"
    beside = folder / f"{target.name}.{uuid4().hex}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as stream:
            stream.write(_MAGIC + digest + b"\n")
            stream.write(payload)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(target)
    except OSError as error:
        if error.errno in _FULL:
            raise ResourceExhaustedError(
                f"no space is left for a checkpoint of {len(payload):,} bytes in {folder} "
                f"({error.strerror}): free some, or raise the quota",
                reason="DISK_FULL",
            ) from error
        raise
    finally:
        beside.unlink(missing_ok=True)
    for old in _newest_first(folder)[KEPT:]:
        old.unlink(missing_ok=True)
    return target


def read_newest(folder: Path) -> dict[str, Any] | None:
    """The newest intact checkpoint with its tensors on the CPU, or None; torn ones are logged."""
    for path in _newest_first(folder):
        header, _, payload = path.read_bytes().partition(b"\n")
        if header != _MAGIC + hashlib.sha256(payload).hexdigest().encode():
            _LOG.warning("%s is torn and is passed over", path.name)
            continue
        try:
            state: dict[str, Any] = torch.load(
                io.BytesIO(payload), map_location="cpu", weights_only=True
            )
        except pickle.UnpicklingError as error:
            _LOG.warning("%s cannot be read and is passed over: %s", path.name, error)
            continue
        return state
    return None


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("checkpoint-*.pt"), reverse=True)

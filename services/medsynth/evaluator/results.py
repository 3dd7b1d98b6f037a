"""Results of an evaluation's steps, kept so that the next attempt need not do them again."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from medsynth.levels import Labels, Pixels
from medsynth.manifest import digest_of


class Results:
    """Small JSON documents of finished steps in a folder.

    Args:
        folder: The job's own, made if missing. None: nothing is kept.
        key: What the results depend on beside the job: with another key they are not found.
    """

    def __init__(self, folder: Path | None, key: str) -> None:
        name = re.sub(r"[^0-9a-f]", "", key.partition(":")[2])[:16]
        self._folder = None if folder is None else folder / name

    def get(self, step: str) -> dict[str, Any] | None:
        """What a step gave, if it was finished."""
        if self._folder is None:
            return None
        try:
            found: dict[str, Any] = json.loads((self._folder / f"{step}.json").read_text())
        except (FileNotFoundError, ValueError):
            return None
        return found

    def put(self, step: str, result: dict[str, Any]) -> None:
        """Keeps what a step gave, whole or not at all."""
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        beside = self._folder / f"{step}.{uuid4().hex}.tmp"
        try:
            beside.write_text(json.dumps(result))
            beside.replace(self._folder / f"{step}.json")
        finally:
            beside.unlink(missing_ok=True)


def content_key(dataset_digest: str, images: Pixels, masks: Labels | None) -> str:
    """`sha256:...` over the real set's digest and the synthetic images themselves."""
    import hashlib

    sha = hashlib.sha256(np.ascontiguousarray(images).data)
    if masks is not None:
        sha.update(np.ascontiguousarray(masks).data)
    return digest_of([dataset_digest, images.shape, masks is not None, sha.hexdigest()])

"""Writes samples as they come into the files of a set, shard by shard."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from medsynth.data.writers.croissant import CROISSANT, write_croissant
from medsynth.data.writers.description import SetDescription
from medsynth.data.writers.encoding import Encoding
from medsynth.data.writers.interface import Form, Summary
from medsynth.data.writers.manifest import MANIFEST, read_facts, write_manifest
from medsynth.data.writers.output import Output
from medsynth.data.writers.registry import check_format, get_format
from medsynth.data.writers.shards import FOLDER, Shard, Shards, check_identity, joined
from medsynth.errors import DataError, FailedPreconditionError, InvalidArgumentError
from medsynth.levels import Labels, Pixels
from medsynth.manifest import digest_file


class SampleWriter:
    """Writes images of consecutive indexes into a folder.

    Beside the format's own files a finished set has `manifest.json` and `croissant.json`. Without
    `close` there is no manifest, and what lies there is not a finished set. As a context manager
    it closes itself unless it was paused or an exception passes. The same images give the same
    bytes, however they are handed over, and whether or not the writing was interrupted.

    Args:
        folder: New or empty, unless `resume` is set.
        format: One of `FORMATS`.
        metadata: Facts for the manifest in types that JSON knows.
        description: What is known about the set; the files say it as far as the format has a
            place for it.
        resume: Take up what an earlier attempt with the same format and description left in the
            folder: shards of 1,000 indexes that are whole stay, the rest is removed. A folder
            that is new or empty is fine, too.
        threads: That encode; as many as there are cores unless given.
        origin: What computes the images of this attempt (such as a machine), in types that JSON
            knows. The manifest says it under `origins` with the indexes that it is true of.

    Attributes:
        first_index: Index of the first sample; None before it.
        count: Samples so far, those of an earlier attempt included.

    Raises:
        InvalidArgumentError: Another format.
        FailedPreconditionError: The folder holds something else.
    """

    def __init__(
        self,
        folder: Path,
        format: str,
        metadata: Mapping[str, Any],
        description: SetDescription | None = None,
        *,
        resume: bool = False,
        threads: int | None = None,
        origin: Mapping[str, Any] | None = None,
    ) -> None:
        self._maker = get_format(format)
        self.folder = folder
        self.format = format
        self.metadata = dict(metadata)
        self.description = description or SetDescription()
        self.first_index: int | None = None
        self.count = 0
        self._threads = threads or len(os.sched_getaffinity(0))
        self._origin = dict(origin or {})
        self._kept: list[Shard] = []
        self._origins: list[dict[str, Any]] = []
        self._highest = 0
        self._form: Form | None = None
        self._encoding: Encoding | None = None
        self._shards = Shards(folder)
        self._digest = ""
        self._paused = False
        self._begin(resume)

    @property
    def next_index(self) -> int | None:
        """Index with which writing goes on; None before the first sample: it may be any."""
        return None if self.first_index is None else self.first_index + self.count

    @property
    def origins(self) -> list[dict[str, Any]]:
        """What computed the images: `first_index` and `count` of some, and the origin of these."""
        if self._form is None:
            return self._origins
        kept = sum(shard.count for shard in self._kept)
        first = (self.first_index or 0) + kept
        rest = Shard(first, self.count - kept, self._form, 0, (), origin=self._origin)
        return joined([*self._kept, *([rest] if rest.count else [])])

    def write(self, first_index: int, images: Pixels, masks: Labels | None) -> None:
        """Adds images that follow those before. The arrays may be changed afterwards.

        Args:
            first_index: Index of the first; after the first call, the next one.
            images: uint8, or uint16 for levels of 16 bits (N, channels, rows, columns); shape and
                type stay the same over calls.
            masks: uint8 labels (N, rows, columns), or None, always or never.

        Raises:
            InvalidArgumentError: The format cannot hold such images; names those that can.
            ValueError: Arrays or indexes do not fit what came before, or a label has no class.
            OSError: A file cannot be written.
        """
        form = self._checked(first_index, images, masks)
        if self._encoding is None:
            encoder = self._maker(form, self.description)
            self._encoding = Encoding(
                encoder, self.folder, self._shards, self._threads, self._origin
            )
        if self.first_index is None:
            self.first_index, self._form = first_index, form
        self.count += len(images)
        self._encoding.add(first_index, images, masks)

    def pause(self) -> None:
        """Ends the attempt: a writer with `resume` goes on from the last whole shard.

        Raises:
            OSError: A file cannot be written.
        """
        self._paused = True
        if self._encoding is not None:
            self._encoding.pause()

    def stop(self) -> None:
        """Ends the attempt at once, after an error say; no thread writes any more."""
        if self._encoding is not None:
            self._encoding.stop()

    def close(self) -> str:
        """Writes what waits, and what is about the set as a whole.

        Returns:
            `sha256:...` of the manifest.
        """
        if self._digest:
            return self._digest
        if self._encoding is not None:
            self._encoding.finish()
        form = self._form or Form()
        summary = Summary(self.first_index or 0, self.count, self._highest)
        output = Output(self.folder)
        if self._form is not None:
            self._maker(form, self.description).finish(summary, self._shards.notes(), output)
        beside = self.folder / f"{MANIFEST}.tmp"
        shards = (entry for shard in self._shards for entry in shard.files)
        listed = write_manifest(beside, self._facts(form), chain(shards, output.entries))
        whole = [replace(listed, path=MANIFEST), *output.entries]
        kinds = self._maker.kinds(self.description)
        write_croissant(self.folder / CROISSANT, self.description, form, summary, kinds, whole)
        beside.replace(self.folder / MANIFEST)
        self._shards.remove()
        self._digest = listed.digest
        return self._digest

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None and not self._paused:
            self.close()
        else:
            self.stop()

    def _begin(self, resume: bool) -> None:
        folder, manifest = self.folder, self.folder / MANIFEST
        identity = {"format": self.format, "description": self.description.to_mapping()}
        if resume and self._shards.begun:
            manifest.unlink(missing_ok=True)
            patterns = [kind.pattern for kind in self._maker.kinds(self.description)]
            if kept := self._shards.take_up(identity, patterns):
                self._kept = kept
                self.first_index, self.count = kept[0].first, sum(shard.count for shard in kept)
                self._form, self._highest = kept[0].form, max(shard.highest for shard in kept)
        elif resume and manifest.is_file():
            facts = read_facts(manifest)
            check_identity(folder, facts, identity)
            self.first_index, self.count = facts["first_index"], facts["count"]
            self._origins = facts.get("origins", [])
            with manifest.open("rb") as stream:
                self._digest = digest_file(stream)[1]
        elif _is_free(folder, resume):
            folder.mkdir(parents=True, exist_ok=True)
            self._shards.begin(identity)
        else:
            beside = ", nor one with a set to go on with" if resume else ""
            raise FailedPreconditionError(f"{folder} is not an empty folder{beside}")

    def _checked(self, first_index: int, images: Pixels, masks: Labels | None) -> Form:
        """The form of the images, if they fit."""
        if images.dtype not in (np.uint8, np.uint16) or images.ndim != 4:
            raise ValueError(f"images are {images.dtype} of shape {images.shape}, not (N, C, H, W)")
        if masks is not None and (
            masks.dtype != np.uint8 or masks.shape != (len(images), *images.shape[2:])
        ):
            raise ValueError(f"masks are {masks.dtype} of shape {masks.shape}")
        if self._digest:
            raise ValueError("the set is finished: no index follows")
        channels, rows, columns = images.shape[1:]
        bits = 8 * images.dtype.itemsize
        form = Form(channels, rows, columns, bits, masks is not None)
        if self._form is None:
            check_format(self.format, form, self.description)
        elif form != self._form:
            raise ValueError("shape, type or presence of masks differs from the images before")
        if self.next_index not in (None, first_index):
            raise ValueError(f"index {first_index} is given, {self.next_index} comes next")
        if masks is not None:
            self._check_labels(int(masks.max(initial=0)))
        return form

    def _check_labels(self, highest: int) -> None:
        classes = self.description.classes
        if classes and highest >= len(classes):
            raise ValueError(f"masks have the label {highest}, but {len(classes)} classes")
        self._highest = max(self._highest, highest)

    def _facts(self, form: Form) -> dict[str, Any]:
        return {
            "format": self.format,
            "first_index": self.first_index or 0,
            "count": self.count,
            "channels": form.channels,
            "height": form.rows,
            "width": form.columns,
            "bits": form.bits,
            "masks": form.masked,
            "origins": self.origins,
            "description": self.description.to_mapping(),
            "metadata": self.metadata,
        }


def begun_description(folder: Path) -> SetDescription | None:
    """What an earlier attempt in a folder said about its set; None where nobody knows."""
    try:
        known = Shards(folder).identity or read_facts(folder / MANIFEST)
        return SetDescription.from_mapping(known["description"])
    except (DataError, InvalidArgumentError, KeyError, TypeError):
        return None


def _is_free(folder: Path, resume: bool) -> bool:
    """Whether a set can begin in a folder: a kill may have left the mere place of the records."""
    if not folder.exists():
        return True
    left = {FOLDER} if resume else set()
    return folder.is_dir() and all(entry.name in left for entry in folder.iterdir())

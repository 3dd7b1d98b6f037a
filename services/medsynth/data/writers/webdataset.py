"""WebDataset: tar shards `000001000.tar` of 1,000 consecutive indexes.

A sample is `000000123.image.png`, `000000123.mask.png` (labels as pixel values) and
`000000123.json`, which says where it comes from.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterable
from typing import Any, Final

from medsynth.data.writers.description import RESEARCH
from medsynth.data.writers.interface import FileKind, Form, Format, Samples, SetDescription
from medsynth.data.writers.output import Output
from medsynth.data.writers.png import png_misfit, png_pairs
from medsynth.levels import Labels

_END: Final = 2 * tarfile.BLOCKSIZE
"""Bytes of zeros after the last member."""


class WebDataset(Format):
    """A tar file for each shard, put together of the members that chunks give."""

    @classmethod
    def misfit(cls, form: Form, description: SetDescription) -> str:
        """What PNG holds."""
        return png_misfit(form)

    @classmethod
    def kinds(cls, description: SetDescription) -> tuple[FileKind, ...]:
        """Shards."""
        return (FileKind("shards", "*.tar", "application/x-tar", "sample"),)

    def encode(self, samples: Samples, output: Output) -> str:
        """The members of the chunk's samples."""
        for (index, _, mask), (image, labels) in zip(samples, png_pairs(samples), strict=True):
            output.keep(_member(f"{index:09d}.image.png", image))
            if labels is not None:
                output.keep(_member(f"{index:09d}.mask.png", labels))
            output.keep(_member(f"{index:09d}.json", self._facts(index, mask)))
        return ""

    def gather(self, first: int, parts: Iterable[bytes], output: Output) -> None:
        """One file."""
        with output.open(f"{first:09d}.tar") as stream:
            for member in parts:
                stream.write(member)
            stream.write(bytes(_END + -(stream.size + _END) % tarfile.RECORDSIZE))

    def _facts(self, index: int, mask: Labels | None) -> bytes:
        about = self.description
        fields: dict[str, Any] = {
            "index": index,
            "generator": about.generator,
            "generator_digest": about.generator_digest,
            "seed": about.seed,
            "modality": about.modality,
            "synthetic": True,
            "notice": RESEARCH,
            "licence": about.licence,
        }
        if mask is not None:
            pixels = {label: int((mask == label).sum()) for label in range(int(mask.max()) + 1)}
            fields["pixels"] = {
                (about.classes[label] if about.classes else str(label)): count
                for label, count in pixels.items()
                if count
            }
        return json.dumps(fields, ensure_ascii=False).encode()


def _member(name: str, content: bytes) -> bytes:
    """A member that belongs to nobody and was never changed."""
    member = tarfile.TarInfo(name)
    member.size = len(content)
    head = member.tobuf(tarfile.USTAR_FORMAT)
    return head + content + bytes(-len(content) % tarfile.BLOCKSIZE)


FORMAT = WebDataset

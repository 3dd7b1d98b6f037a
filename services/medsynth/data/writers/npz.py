"""`.npz` shards: `000001000.npz` of 1,000 consecutive indexes, beginning at multiples of 1,000.

Each has `images` (N, channels, rows, columns) and, if there are any, `masks` (N, rows, columns).
While one shard is compressed, with its file in memory too, the next one is filled.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from medsynth.data.writers.interface import (
    SHARD,
    FileKind,
    Form,
    Format,
    Samples,
    SetDescription,
)
from medsynth.data.writers.output import Output

_HEADER: Final = 4096


class Npz(Format):
    """A file for each shard."""

    CHUNK: ClassVar[int] = SHARD

    @classmethod
    def misfit(cls, form: Form, description: SetDescription) -> str:
        """Arrays hold everything."""
        return ""

    @classmethod
    def kinds(cls, description: SetDescription) -> tuple[FileKind, ...]:
        """Shards."""
        return (FileKind("shards", "*.npz", "application/zip", "sample"),)

    def encode(self, samples: Samples, output: Output) -> str:
        """One file."""
        arrays: dict[str, NDArray[Any]] = {"images": samples.images}
        if samples.masks is not None:
            arrays["masks"] = samples.masks
        output.write(f"{samples.first:09d}.npz", encode_npz(arrays))
        return ""


def encode_npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """As `numpy.savez_compressed`, but with the time of every entry fixed."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            info = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.file_size = array.nbytes + _HEADER
            with archive.open(info, "w") as entry:
                np.lib.format.write_array(entry, np.ascontiguousarray(array), allow_pickle=False)
    return stream.getvalue()


FORMAT = Npz

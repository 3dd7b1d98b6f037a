from __future__ import annotations

import io
import json
import tarfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medsynth.data.writers import SampleWriter, encoding
from tests.data.writers.samples import CLASSES, DIGEST, labels, pixels, write


def members(file: Path) -> dict[str, bytes]:
    found = {}
    with tarfile.open(file) as archive:
        for member in archive:
            assert (member.mtime, member.uid, member.gid) == (0, 0, 0)
            assert (member.uname, member.gname) == ("", "")
            stream = archive.extractfile(member)
            assert stream is not None
            found[member.name] = stream.read()
    return found


def picture(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as image:
        return np.atleast_3d(np.asarray(image)).transpose(2, 0, 1)


@pytest.mark.parametrize(("channels", "bits"), [(1, 8), (3, 8), (1, 16)])
def test_pixel_for_pixel_by_tarfile_and_pillow(channels: int, bits: int, tmp_path: Path) -> None:
    images, masks = pixels(4, channels, bits=bits), labels(4)
    write(tmp_path / "a", "webdataset", images, masks, first=998)
    found: dict[str, bytes] = {}
    for name in ("000000998.tar", "000001000.tar"):
        content = members(tmp_path / "a" / name)
        assert len(content) == 2 * 3
        found |= content
    for place in range(4):
        key = f"{998 + place:09d}"
        assert np.array_equal(picture(found[f"{key}.image.png"]), images[place])
        assert np.array_equal(picture(found[f"{key}.mask.png"])[0], masks[place])
        facts = json.loads(found[f"{key}.json"])
        assert (facts["index"], facts["seed"]) == (998 + place, 7)
        assert facts["generator_digest"] == DIGEST
        assert facts["synthetic"] is True
        counts = {name: int((masks[place] == n).sum()) for n, name in enumerate(CLASSES)}
        assert facts["pixels"] == {name: count for name, count in counts.items() if count}


def test_a_sample_is_together_and_begins_with_its_key(tmp_path: Path) -> None:
    write(tmp_path / "a", "webdataset", pixels(3), None)
    names = list(members(tmp_path / "a" / "000000000.tar"))
    assert names == [f"{key:09d}.{end}" for key in range(3) for end in ("image.png", "json")]


def test_a_shard_is_not_in_memory_as_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "_MOST_BYTES", 2**20)
    batch = np.full((20, 1, 128, 128), 7, np.uint8)
    with SampleWriter(tmp_path / "a", "webdataset", {}, threads=1) as writer:
        tracemalloc.start()
        for index in range(0, 1000, 20):
            writer.write(index, batch, None)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 50 * batch.nbytes / 3

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

import pytest
import torch

from medsynth.errors import ResourceExhaustedError
from medsynth.gans import checkpoint
from tests.support import no_file_above


def state(number: int) -> dict[str, object]:
    return {
        "number": number,
        "weights": {"a": torch.full((3, 2), float(number))},
        "random": torch.Generator().manual_seed(number).get_state(),
        "curve": [{"images": 1.0, "loss": float("inf")}],
        "name": "hinge",
    }


def number(folder: Path) -> object:
    found = checkpoint.read_newest(folder)
    return None if found is None else found["number"]


def test_what_was_written_is_read(tmp_path: Path) -> None:
    checkpoint.write(tmp_path / "new" / "folder", 100, state(4))
    found = checkpoint.read_newest(tmp_path / "new" / "folder")
    assert found is not None
    assert torch.equal(found["weights"]["a"], torch.full((3, 2), 4.0))
    assert found["curve"] == [{"images": 1.0, "loss": float("inf")}]
    assert torch.equal(found["random"], torch.Generator().manual_seed(4).get_state())


def test_no_folder_and_no_file_is_no_checkpoint(tmp_path: Path) -> None:
    assert checkpoint.read_newest(tmp_path) is None
    assert checkpoint.read_newest(tmp_path / "missing") is None


def test_the_two_newest_are_kept(tmp_path: Path) -> None:
    for images in (900, 1000, 20_000, 3_000_000):
        checkpoint.write(tmp_path, images, state(images))
    assert len(list(tmp_path.iterdir())) == checkpoint.KEPT == 2
    assert number(tmp_path) == 3_000_000


@pytest.mark.parametrize("damage", ["truncated", "empty", "one bit", "no header"])
def test_a_torn_one_falls_back_to_the_one_before(tmp_path: Path, damage: str) -> None:
    checkpoint.write(tmp_path, 1, state(1))
    newest = checkpoint.write(tmp_path, 2, state(2))
    content = bytearray(newest.read_bytes())
    if damage == "truncated":
        content = content[:-10]
    elif damage == "empty":
        content = bytearray()
    elif damage == "one bit":
        content[len(content) // 2] ^= 1
    else:
        content = content[content.index(b"\n") + 1 :]
    newest.write_bytes(content)
    assert number(tmp_path) == 1
    newest.with_name("checkpoint-000000000001.pt").write_bytes(b"")
    assert number(tmp_path) is None


class Hostile:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, (str(self.path),)


def test_reading_executes_nothing(tmp_path: Path) -> None:
    checkpoint.write(tmp_path, 1, state(1))
    buffer = io.BytesIO()
    torch.save({"number": Hostile(tmp_path / "executed")}, buffer)
    digest = hashlib.sha256(buffer.getvalue()).hexdigest().encode()
    hostile = tmp_path / "checkpoint-000000000002.pt"
    hostile.write_bytes(b"medsynth checkpoint sha256:" + digest + b"\n" + buffer.getvalue())
    assert number(tmp_path) == 1
    assert not (tmp_path / "executed").exists()


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    checkpoint.write(tmp_path, 1, state(1))
    with no_file_above(1000), pytest.raises(ResourceExhaustedError, match="no space"):
        checkpoint.write(tmp_path, 2, state(2))
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-000000000001.pt"]
    assert number(tmp_path) == 1

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from medsynth.data.files import hidden, open_files, reading
from medsynth.data.local_files import LocalFiles
from medsynth.errors import DataError
from tests.data.source_files import written


@pytest.mark.parametrize("path", [".a", "a/.b", ".git/c", "__MACOSX/a/b", "a/__MACOSX"])
def test_hidden(path: str) -> None:
    assert hidden(path)
    assert not hidden("a.b/c..d/e_MACOSX")


def test_only_small_files_are_read_whole(tmp_path: Path) -> None:
    source = open_files(str(written(tmp_path)))
    assert len(source.read("deep/er/Übergröße\n2.nii", limit=6000)) == 6000
    with pytest.raises(DataError, match="longer than 5999 bytes"):
        source.read("deep/er/Übergröße\n2.nii", limit=5999)


def test_a_phantom_has_no_files() -> None:
    assert open_files("phantom://cardiac").paths == ()


def test_messages_are_about_the_source_wherever_its_files_are(tmp_path: Path) -> None:
    for shown in ("s3://bucket/set.zip", "s3://bucket/"):
        source = LocalFiles(str(tmp_path), shown=shown)
        message = source.renamed(f"{tmp_path}/a/b: broken, unlike {tmp_path}/c", tmp_path)
        top = shown.rstrip("/")
        assert message == f"{top}/a/b: broken, unlike {top}/c"
    assert open_files(str(tmp_path)).renamed(f"{tmp_path}/a: x", tmp_path) == f"{tmp_path}/a: x"


def test_a_folder_that_cannot_be_read_is_refused_unless_the_machine_fails() -> None:
    with pytest.raises(DataError, match="a: cannot be read: Permission denied"), reading("a"):
        raise OSError(errno.EACCES, "Permission denied")
    with pytest.raises(OSError, match="Stale"), reading("a"):
        raise OSError(errno.ESTALE, "Stale file handle")

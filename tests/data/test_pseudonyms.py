from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from medsynth.data import pseudonyms
from medsynth.data.pseudonyms import read_or_make_key
from medsynth.errors import DataError
from tests.data import dicom_files


def test_threads_see_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pseudonyms, "_key", dicom_files.KEY)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(pseudonyms.pseudonym_key).result() == dicom_files.KEY


def test_a_short_key_is_refused() -> None:
    with pytest.raises(DataError, match="has 3 bytes"):
        pseudonyms.use_key(b"abc")


def test_a_key_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / "pseudonyms.key"
    key = read_or_make_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(key) == 64
    assert read_or_make_key(path) == key
    assert os.listdir(path.parent) == ["pseudonyms.key"]


def test_those_who_make_a_key_at_the_same_time_get_the_same(tmp_path: Path) -> None:
    path = tmp_path / "pseudonyms.key"
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(read_or_make_key, [path] * 64))
    assert len(keys) == 1


def test_a_key_of_the_operator(tmp_path: Path) -> None:
    path = tmp_path / "pseudonyms.key"
    path.write_text("a secret of the operator\n")
    path.chmod(0o644)
    with pytest.raises(DataError, match=r"anyone may use the key .* \(its mode is 644\)"):
        read_or_make_key(path)
    path.chmod(0o640)
    assert read_or_make_key(path) == b"a secret of the operator"
    path.write_bytes(b" sixteen bytes \t\n")
    assert read_or_make_key(path) == b" sixteen bytes \t"
    path.write_text("short\n")
    with pytest.raises(DataError, match="at least 16 bytes"):
        read_or_make_key(path)
    with pytest.raises(DataError, match="Is a directory"):
        read_or_make_key(tmp_path)


def test_a_key_file_is_opened_when_the_key_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pseudonyms, "_key", b"")
    monkeypatch.setattr(pseudonyms, "_file", None)
    assert not pseudonyms.has_key()
    path = tmp_path / "pseudonyms.key"
    pseudonyms.use_key_file(path)
    assert pseudonyms.has_key()
    assert not path.exists()
    assert pseudonyms.pseudonym_key() == read_or_make_key(path)
    (tmp_path / "other").write_bytes(dicom_files.KEY)
    (tmp_path / "other").chmod(0o600)
    before = pseudonyms.key_digest()
    pseudonyms.use_key_file(tmp_path / "other")
    assert pseudonyms.pseudonym_key() == dicom_files.KEY
    assert pseudonyms.key_digest() != before

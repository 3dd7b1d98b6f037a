from __future__ import annotations

import gzip
import io
import os
import random
import tarfile
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medsynth.data import archive
from medsynth.data.archive import is_archive, unpack
from medsynth.data.files import open_files
from medsynth.errors import DataError

CONTENT = {
    "set/case 1.nii": b"first",
    "set/Übergröße\n2.nii": b"second" * 1000,
    "set/deep/er/empty": b"",
}


def zipped(file: Path, content: Mapping[str, bytes] = CONTENT) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as stream:
        for name, data in content.items():
            stream.writestr(name, data)
    return file


def tarred(file: Path, content: Mapping[str, bytes] = CONTENT) -> Path:
    with tarfile.open(file, "w" if file.suffix == ".tar" else "w:gz") as stream:
        for name, data in content.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            stream.addfile(info, io.BytesIO(data))
    return file


def with_special_entry(file: Path, info: tarfile.TarInfo) -> Path:
    with tarfile.open(file, "w:gz") as stream:
        stream.addfile(info)
        plain = tarfile.TarInfo("kept")
        plain.size = 4
        stream.addfile(plain, io.BytesIO(b"kept"))
    return file


def refused(file: Path, folder: str = "unpacked") -> str:
    with pytest.raises(DataError) as caught:
        unpack(file, file.parent / folder)
    assert caught.value.message.startswith(f"{file}: ")
    return caught.value.message


@pytest.mark.parametrize("name", ["a.zip", "a.ZIP", "a.tar.gz", "a.tgz", "a.tar"])
def test_regular_files_come_out_as_they_went_in(tmp_path: Path, name: str) -> None:
    assert is_archive(f"s3://bucket/{name}")
    file = (zipped if name.lower().endswith("zip") else tarred)(tmp_path / name)
    unpack(file, tmp_path / "out")
    files = open_files(str(tmp_path / "out"))
    assert sorted(files.paths) == sorted(CONTENT)
    assert {path: files.read(path) for path in files.paths} == CONTENT


def test_a_gzipped_tar_may_be_called_tar(tmp_path: Path) -> None:
    tarred(tmp_path / "a.tgz").rename(tmp_path / "a.tar")
    unpack(tmp_path / "a.tar", tmp_path / "out")
    assert (tmp_path / "out" / "set" / "case 1.nii").read_bytes() == b"first"


def test_hidden_files_are_passed_over(tmp_path: Path) -> None:
    names = {"._a": b"x", "__MACOSX/a": b"x", ".git/config": b"x", "./a": b"x"}
    for file in (zipped(tmp_path / "a.zip", names), tarred(tmp_path / "a.tar", names)):
        unpack(file, tmp_path / f"out-{file.name}")
        found = [path.name for path in (tmp_path / f"out-{file.name}").rglob("*")]
        assert found == ["a"]


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/tmp/evil", "..\\evil", ".."])
@pytest.mark.parametrize("write", [zipped, tarred])
def test_names_that_lead_out_are_refused(
    tmp_path: Path, name: str, write: Callable[[Path, Mapping[str, bytes]], Path]
) -> None:
    file = write(tmp_path / ("a.zip" if write is zipped else "a.tgz"), {"b": b"1", name: b"2"})
    assert "leads out of the archive" in refused(file)
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("write", [zipped, tarred])
def test_the_same_name_twice_is_refused(
    tmp_path: Path, write: Callable[[Path, Mapping[str, bytes]], Path]
) -> None:
    file = write(tmp_path / ("a.zip" if write is zipped else "a.tgz"), {"a/b": b"1", "a//b": b"2"})
    assert "twice" in refused(file)


@pytest.mark.parametrize("name", ["a/b/c", "x" * 300, "/".join(["a"] * 3000)])
@pytest.mark.parametrize("write", [zipped, tarred])
def test_names_that_no_disk_takes_are_refused(
    tmp_path: Path, name: str, write: Callable[[Path, Mapping[str, bytes]], Path]
) -> None:
    file = write(tmp_path / ("a.zip" if write is zipped else "a.tgz"), {"a/b": b"1", name: b"2"})
    refused(file)


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE],
)
def test_links_and_devices_in_a_tar_are_passed_over(tmp_path: Path, kind: bytes) -> None:
    info = tarfile.TarInfo("special")
    info.type, info.linkname = kind, "/etc/passwd"
    unpack(with_special_entry(tmp_path / "a.tgz", info), tmp_path / "out")
    assert os.listdir(tmp_path / "out") == ["kept"]


def test_a_file_below_a_link_stays_inside(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as stream:
        link = tarfile.TarInfo("d")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
        stream.addfile(link)
        below = tarfile.TarInfo("d/evil")
        below.size = 1
        stream.addfile(below, io.BytesIO(b"x"))
    unpack(tmp_path / "a.tar", tmp_path / "out")
    assert not (tmp_path / "evil").exists()
    assert not (tmp_path / "out" / "d").is_symlink()


def test_links_in_a_zip_are_passed_over(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as stream:
        link = zipfile.ZipInfo("link")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        stream.writestr(link, "/etc/passwd")
        stream.writestr("kept", "kept")
    unpack(tmp_path / "a.zip", tmp_path / "out")
    assert os.listdir(tmp_path / "out") == ["kept"]


def test_an_encrypted_entry_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped(tmp_path / "a.zip", {"a": b"secret"}).read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + flags] |= 1
    (tmp_path / "a.zip").write_bytes(content)
    assert "is encrypted" in refused(tmp_path / "a.zip")


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_bomb_is_stopped(
    tmp_path: Path, method: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "_SMALL", 2**20)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as stream:
        for number in range(20):
            stream.writestr(f"{number}", bytes(2**20))
    assert "unpacks to more than 200 times its size" in refused(tmp_path / "a.zip")
    written = sum(path.stat().st_size for path in (tmp_path / "unpacked").iterdir())
    assert written <= 2**20 + 200 * (tmp_path / "a.zip").stat().st_size


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.SYMTYPE, b"?"])
def test_a_tar_bomb_is_stopped(
    tmp_path: Path, kind: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "_SMALL", 2**20)
    info = tarfile.TarInfo("zeros")
    info.type, info.size = kind, 2**26
    (tmp_path / "a.tgz").write_bytes(gzip.compress(info.tobuf() + bytes(2**26)))
    assert "unpacks to more than 200 times its size" in refused(tmp_path / "a.tgz")


def test_a_header_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("long")
    info.type, info.size = tarfile.XHDTYPE, 2**40
    (tmp_path / "a.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(2**12))
    assert "a header of" in refused(tmp_path / "a.tar")


def block(name: str, kind: bytes, size: int = 0) -> bytes:
    """The header of an entry, whose size may be negative."""
    info = tarfile.TarInfo(name)
    info.type = kind
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    if size:
        header[124:136] = (256**12 + size).to_bytes(12, "big")
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def test_a_tar_that_leads_back_to_where_it_was_ends(tmp_path: Path) -> None:
    content = block("first", tarfile.REGTYPE) + block("again", b"?", -512) + bytes(1024)
    (tmp_path / "a.tar").write_bytes(content)
    assert "leads back to an earlier one" in refused(tmp_path / "a.tar")


@pytest.mark.parametrize("end", [b"", bytes(100), b"x" * 512, bytes(512)])
def test_a_tar_without_its_end_mark_is_cut_off(tmp_path: Path, end: bytes) -> None:
    (tmp_path / "a.tar").write_bytes(block("first", tarfile.REGTYPE) + end)
    if end == bytes(512):
        unpack(tmp_path / "a.tar", tmp_path / "out")
    else:
        assert "it is cut off, or broken" in refused(tmp_path / "a.tar")


def test_more_entries_than_allowed_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MOST_ENTRIES", 10)
    names = {f"{number}": b"" for number in range(11)}
    for file in (zipped(tmp_path / "a.zip", names), tarred(tmp_path / "b.tar", names)):
        with pytest.raises(DataError, match="more than 10 entries"):
            unpack(file, tmp_path / f"out-{file.name}")


def zip_that_lists(entries: int, file: Path) -> Path:
    """One entry, listed again and again."""
    content = zipped(file, {"a": b""}).read_bytes()
    first, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    listed = content[first:end] * entries
    last = bytearray(content[end:])
    last[12:16] = len(listed).to_bytes(4, "little")
    file.write_bytes(content[:first] + listed + last)
    return file


def test_a_zip_that_lists_too_much_is_refused_before_the_list_is_taken_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MOST_ENTRIES", 1000)
    file = zip_that_lists(100_000, tmp_path / "a.zip")
    tracemalloc.start()
    assert "more than 1000 entries" in refused(file)
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()
    monkeypatch.setattr(archive, "_LARGEST_LIST", 2**20)
    assert "its list of entries has 4700000 bytes" in refused(file, "again")


@pytest.mark.parametrize("name", ["a.zip", "a.tgz", "a.tar"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.8])
def test_a_truncated_archive_is_refused(tmp_path: Path, name: str, share: float) -> None:
    names = {f"{number}": random.Random(number).randbytes(3000) for number in range(20)}
    file = (zipped if name == "a.zip" else tarred)(tmp_path / name, names)
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    refused(file)


@pytest.mark.parametrize("name", ["a.zip", "a.tgz"])
def test_a_flipped_bit_is_noticed(tmp_path: Path, name: str) -> None:
    content = {"a": random.Random(1).randbytes(5000)}
    file = (zipped if name == "a.zip" else tarred)(tmp_path / name, content)
    broken = bytearray(file.read_bytes())
    broken[2500] ^= 1
    file.write_bytes(broken)
    refused(file)


def test_what_is_no_archive_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"<html>404</html>")
    refused(tmp_path / "a.zip")
    (tmp_path / "b.tar").write_bytes(b"<html>404</html>" * 100)
    with pytest.raises(DataError, match=r"b\.tar: not a readable archive"):
        unpack(tmp_path / "b.tar", tmp_path / "out1")
    with pytest.raises(DataError, match=r"gone\.zip: not a readable archive"):
        unpack(tmp_path / "gone.zip", tmp_path / "out2")


@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.sampled_from(["a.zip", "a.tar", "a.tgz"]),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
    header=st.booleans(),
)
def test_whatever_bytes_it_holds_it_is_unpacked_or_refused(
    tmp_path: Path, name: str, changes: list[tuple[float, int]], header: bool
) -> None:
    file = (zipped if name == "a.zip" else tarred)(tmp_path / name)
    content = bytearray(file.read_bytes())
    for share, value in changes:
        content[int(share * (min(len(content), 512) if header else len(content)))] = value
    file.write_bytes(content)
    out = tmp_path / f"out-{len(os.listdir(tmp_path))}"
    message = f"{file}: "
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            unpack(file, out)
        except DataError as error:
            message = error.message
    assert message.startswith(f"{file}: ")

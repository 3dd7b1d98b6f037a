from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3
import fsspec
import pytest
import s3fs
from moto.server import ThreadedMotoServer

from medsynth.data import files, remote_files
from medsynth.data.files import LocalFiles, open_files
from medsynth.errors import DataError, PermissionDeniedError, UnavailableError

CONTENT = {
    "case 1.nii": b"first",
    "deep/er/Übergröße\n2.nii": b"second" * 1000,
    "deep/empty": b"",
}


IN_BUCKET = {path.replace("\n", " "): data for path, data in CONTENT.items()}


def written(folder: Path) -> Path:
    for path, data in {**CONTENT, ".hidden": b"x", "__MACOSX/a": b"x", ".git/b": b"x"}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def read_back(uri: str) -> dict[str, bytes]:
    source = open_files(uri)
    with source.local(source.paths) as root:
        return {path: (root / path).read_bytes() for path in source.paths}


def test_a_folder_is_all_below_it_but_what_is_hidden(tmp_path: Path) -> None:
    source = open_files(str(written(tmp_path)))
    assert source.paths == tuple(sorted(CONTENT))
    assert {path: facts.size for path, facts in source.facts.items()} == {
        path: len(data) for path, data in CONTENT.items()
    }
    assert read_back(str(tmp_path)) == CONTENT
    assert source.name("deep/empty") == str(tmp_path / "deep" / "empty")


def test_one_file_is_a_source(tmp_path: Path) -> None:
    source = open_files(str(written(tmp_path) / "case 1.nii"))
    assert source.paths == ("case 1.nii",)
    assert source.name("case 1.nii") == str(tmp_path / "case 1.nii")
    assert source.read("case 1.nii") == b"first"


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert open_files(str(tmp_path / "gone")).paths == ()
    assert open_files(str(tmp_path / ("x" * 300))).paths == ()


def test_a_change_changes_the_stamp(tmp_path: Path) -> None:
    file = written(tmp_path) / "case 1.nii"
    before = open_files(str(tmp_path)).facts["case 1.nii"]
    os.utime(file, ns=(1, 1))
    assert open_files(str(tmp_path)).facts["case 1.nii"] != before


def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    folder = written(tmp_path / "set")
    (folder / "deep" / "loop").symlink_to(folder)
    (folder / "self").symlink_to(folder / "self")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a").write_bytes(b"a")
    (folder / "other").symlink_to(tmp_path / "other")
    assert open_files(str(folder)).paths == tuple(sorted([*CONTENT, "other/a", "self"]))


def test_folders_that_link_to_each_other_end_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MOST_FILES", 1000)
    for number in range(20):
        (tmp_path / f"{number}").mkdir()
        for name in "ab":
            (tmp_path / f"{number}" / name).symlink_to(tmp_path / f"{number + 1}")
    with pytest.raises(DataError, match="more than 1000 files and folders"):
        _ = open_files(str(tmp_path)).facts


def test_more_files_than_allowed_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MOST_FILES", 3)
    with pytest.raises(DataError, match="more than 3 files"):
        _ = open_files(str(written(tmp_path))).facts


def test_folders_nested_too_deep_are_refused(tmp_path: Path) -> None:
    (tmp_path / "/".join(["a"] * 30)).mkdir(parents=True)
    with pytest.raises(DataError, match="nested deeper"):
        _ = open_files(str(tmp_path)).facts


def test_pipes_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(written(tmp_path) / "pipe")
    source = open_files(str(tmp_path))
    assert source.paths == tuple(sorted(CONTENT))
    with pytest.raises(DataError, match="pipe: the file is missing"):
        source.read("pipe")


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"M\xfcller.nii")).write_bytes(b"")
    with pytest.raises(DataError, match=r"'M\\udcfcller.nii' is not in UTF-8"):
        _ = open_files(str(tmp_path)).facts


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("mode", [0, 0o400])
def test_a_folder_that_may_not_be_read_is_refused_or_its_files_are(
    tmp_path: Path, mode: int
) -> None:
    (written(tmp_path) / "deep").chmod(mode)
    try:
        with pytest.raises(DataError, match="deep"):
            read_back(str(tmp_path))
    finally:
        (tmp_path / "deep").chmod(0o700)


def test_a_dangling_link_is_listed_and_missing_when_read(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "gone")
    assert open_files(str(tmp_path)).paths == ("a",)
    with pytest.raises(DataError, match="a: the file is missing"):
        open_files(str(tmp_path)).read("a")


def test_a_link_out_of_the_roots_is_refused_when_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    folder = written(tmp_path / "set")
    (folder / "link").symlink_to(secret)
    (folder / "inside").symlink_to(folder / "case 1.nii")
    source = LocalFiles(str(folder), roots=[str(folder), ""])
    assert source.read("inside") == b"first"
    with pytest.raises(PermissionDeniedError, match="link is a link to a file outside"):
        source.read("link")


@pytest.mark.parametrize("path", ["../secret", "deep/../../secret", "/etc/hostname", ".."])
def test_paths_that_lead_out_are_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    source = open_files(str(written(tmp_path / "set")))
    with pytest.raises(DataError, match="leads out of"), source.local(["case 1.nii", path]):
        pass


def test_only_small_files_are_read_whole(tmp_path: Path) -> None:
    source = open_files(str(written(tmp_path)))
    assert len(source.read("deep/er/Übergröße\n2.nii", limit=6000)) == 6000
    with pytest.raises(DataError, match="longer than 5999 bytes"):
        source.read("deep/er/Übergröße\n2.nii", limit=5999)


def test_messages_may_show_another_name_than_the_folders(tmp_path: Path) -> None:
    source = LocalFiles(str(written(tmp_path)), shown="s3://bucket/set.zip")
    with pytest.raises(DataError, match=r"^s3://bucket/set\.zip/gone: the file is missing"):
        source.read("gone")


@pytest.fixture
def memory() -> Iterator[str]:
    system = fsspec.filesystem("memory")
    system.store.clear()
    for path, data in {**CONTENT, ".hidden": b"x"}.items():
        system.pipe_file(f"/set/{path}", data)
    yield "memory://set"
    system.store.clear()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@dataclass(frozen=True)
class Bucket:
    """A bucket called `bucket`, written by the store's own client."""

    client: Any

    def put(self, key: str, content: bytes = b"x") -> None:
        self.client.put_object(Bucket="bucket", Key=key, Body=content)


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    s3fs.S3FileSystem.clear_instance_cache()
    urlopen(Request(f"{server}/moto-api/reset", method="POST")).close()
    bucket = Bucket(boto3.client("s3"))
    bucket.client.create_bucket(Bucket="bucket")
    for path, data in {**IN_BUCKET, ".hidden": b"x"}.items():
        bucket.put(f"set/{path}", data)
    yield bucket
    s3fs.S3FileSystem.clear_instance_cache()


def test_a_store_gives_the_same_files(memory: str) -> None:
    assert open_files(memory).paths == tuple(sorted(CONTENT))
    assert read_back(f"{memory}/") == CONTENT
    assert open_files(f"{memory}/deep").read("er/Übergröße\n2.nii") == b"second" * 1000


def test_a_bucket_gives_the_same_files(bucket: Bucket) -> None:
    source = open_files("s3://bucket/set")
    assert source.paths == tuple(sorted(IN_BUCKET))
    assert read_back("s3://bucket/set/") == IN_BUCKET
    assert source.name("deep/empty") == "s3://bucket/set/deep/empty"
    assert all(facts.stamp for facts in source.facts.values())


def test_one_object_is_a_source(bucket: Bucket, memory: str) -> None:
    for uri in ("s3://bucket/set/case 1.nii", f"{memory}/case 1.nii"):
        source = open_files(uri)
        assert source.paths == ("case 1.nii",)
        assert source.name("case 1.nii") == uri
        assert source.read("case 1.nii") == b"first"


def test_an_object_may_be_called_like_its_folder(bucket: Bucket) -> None:
    bucket.put("a/a", b"inner")
    assert open_files("s3://bucket/a").read("a") == b"inner"
    assert open_files("s3://bucket/a").name("a") == "s3://bucket/a/a"


def test_names_that_only_begin_like_the_prefix_are_no_part_of_it(
    bucket: Bucket,
) -> None:
    bucket.put("set2/other", b"x")
    bucket.put("set.txt", b"x")
    assert open_files("s3://bucket/set").paths == tuple(sorted(IN_BUCKET))


def test_empty_objects_that_stand_for_folders_are_no_files(bucket: Bucket) -> None:
    bucket.put("set/", b"")
    bucket.put("set/deep/", b"")
    assert open_files("s3://bucket/set").paths == tuple(sorted(IN_BUCKET))


def test_a_new_or_changed_object_is_seen_at_once(bucket: Bucket) -> None:
    before = open_files("s3://bucket/set").facts
    bucket.put("set/case 1.nii", b"FIRST")
    bucket.put("set/new", b"new")
    alone = open_files("s3://bucket/set/case 1.nii").facts
    assert alone["case 1.nii"].stamp != before["case 1.nii"].stamp
    after = open_files("s3://bucket/set").facts
    assert after["new"].size == 3
    assert after["case 1.nii"].stamp != before["case 1.nii"].stamp
    assert after["deep/empty"] == before["deep/empty"]


@pytest.mark.parametrize("key", ["../../evil", "a/../../evil", "a//b", "./a", "a/.."])
def test_keys_that_no_folder_can_hold_are_refused(bucket: Bucket, key: str) -> None:
    bucket.put(f"set/{key}", b"evil")
    with pytest.raises(DataError, match=r"s3://bucket/set: the name .* cannot be the path"):
        _ = open_files("s3://bucket/set").facts


def test_a_key_longer_than_a_name_may_be_is_refused_when_fetched(
    bucket: Bucket,
) -> None:
    bucket.put(f"set/{'x' * 300}", b"x")
    source = open_files("s3://bucket/set")
    assert source.read("case 1.nii") == b"first"
    with pytest.raises(DataError, match="x: cannot be fetched: File name too long"):
        source.read("x" * 300)


def test_an_object_that_is_a_folder_too_is_refused_when_both_are_fetched(
    bucket: Bucket,
) -> None:
    bucket.put("set/deep", b"x")
    source = open_files("s3://bucket/set")
    with pytest.raises(DataError, match="cannot be fetched"), source.local(source.paths):
        pass


def test_what_was_fetched_ends_with_the_context(memory: str, tmp_path: Path) -> None:
    source = open_files(memory, scratch=tmp_path)
    with source.local(["case 1.nii"]) as root:
        assert root.parent == tmp_path
        assert [path.name for path in root.iterdir()] == ["case 1.nii"]
    assert not list(tmp_path.iterdir())


def test_missing_objects_and_buckets_are_said_to_be_missing(bucket: Bucket) -> None:
    source = open_files("s3://bucket/set")
    with pytest.raises(DataError, match=r"s3://bucket/set/gone: the file is missing"):
        source.read("gone")
    bucket.client.delete_object(Bucket="bucket", Key="set/case 1.nii")
    with pytest.raises(DataError, match=r"case 1\.nii: is missing"):
        source.read("case 1.nii")
    assert open_files("s3://bucket/gone").paths == ()
    with pytest.raises(DataError, match="is missing"):
        _ = open_files("s3://nobucket/set").facts


def test_a_store_that_cannot_be_asked_is_unavailable(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnavailableError, match="nonsense://x/y cannot be reached"):
        open_files("nonsense://x/y")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", "/nonexistent")
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(UnavailableError, match=r"s3://bucket/set cannot be reached"):
        _ = open_files("s3://bucket/set").facts


def test_more_objects_than_allowed_are_refused(
    memory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_files, "MOST_FILES", 2)
    with pytest.raises(DataError, match="more than 2 files"):
        _ = open_files(memory).facts

from __future__ import annotations

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

from medsynth.data.files import TooManyFilesError, open_files
from medsynth.errors import DataError, UnavailableError
from tests.data.source_files import CONTENT, IN_BUCKET, read_back


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


def test_more_objects_than_allowed_are_refused_before_all_are_listed(
    bucket: Bucket, memory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(50):
        bucket.put(f"set/{number}")
    seen: list[int] = []
    find = s3fs.S3FileSystem.find

    def counted(*args: Any, **kwargs: Any) -> Any:
        found = find(*args, **kwargs)
        seen.append(len(found))
        return found

    monkeypatch.setattr(s3fs.S3FileSystem, "find", counted)
    for uri in (memory, "s3://bucket/set"):
        with pytest.raises(TooManyFilesError, match="more than 2 files"):
            _ = open_files(uri, most=2).facts
    assert seen == [3]


def test_a_large_object_is_refused_before_it_is_fetched(memory: str, tmp_path: Path) -> None:
    source = open_files(memory, scratch=tmp_path / "nowhere")
    with pytest.raises(DataError, match="longer than 4 bytes"):
        source.read("case 1.nii", limit=4)

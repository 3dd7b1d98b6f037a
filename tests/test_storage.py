"""Artifacts on a folder and on fsspec's memory file system."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from medsynth.errors import AbortedError, DataError, NotFoundError
from medsynth.manifest import Manifest, digest_of
from medsynth.storage import Artifact, Storage


@pytest.fixture(params=["folder", "memory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return Storage(str(tmp_path) if request.param == "folder" else f"memory://{uuid4().hex}")


def test_a_draft_is_invisible_until_it_is_published(storage: Storage) -> None:
    draft = storage.draft("generators", "g", "a1")
    draft.write("deep/down/file", b"content")
    assert storage.find("generators", "g") is None
    assert list(storage.list("generators")) == []
    published = storage.publish(draft, {"size": 64})
    found = storage.get("generators", "g")
    assert found.manifest == published.manifest
    assert found.read("deep/down/file") == b"content"
    assert found.manifest.metadata == {"size": 64}
    assert [a.manifest.id for a in storage.list("generators")] == ["g"]


def test_the_digest_follows_from_the_content_alone(storage: Storage) -> None:
    def published(name: str, attempt: str, content: bytes) -> Manifest:
        draft = storage.draft("generators", name, attempt)
        draft.write("file", content)
        return storage.publish(draft, {"a": 1}).manifest

    one = published("one", "a1", b"same")
    assert published("two", "a7", b"same").digest == one.digest
    assert published("three", "a1", b"other").digest != one.digest


def test_publishing_the_same_twice_keeps_the_first(storage: Storage) -> None:
    manifests = []
    for attempt in ("a1", "a2"):
        draft = storage.draft("datasets", "d", attempt)
        draft.write("file", b"content")
        manifests.append(storage.publish(draft, {}).manifest)
    assert manifests[0] == manifests[1] == storage.get("datasets", "d").manifest
    assert storage.get("datasets", "d").verify() == []
    assert not storage.fs.exists(storage.join("datasets", "d", "a2"))


class Late(Storage):
    """Looks, is frozen while another attempt publishes, and goes on."""

    looked = False

    def find(self, collection: str, artifact_id: str) -> Artifact | None:
        if self.looked:
            return super().find(collection, artifact_id)
        self.looked = True
        return None


@pytest.mark.parametrize("content", [b"content", b"other"])
def test_an_artifact_never_changes_though_two_publish_at_once(
    tmp_path: Path, content: bytes
) -> None:
    drafts = []
    for storage, attempt in ((Storage(str(tmp_path)), "a2"), (Late(str(tmp_path)), "a1")):
        drafts.append(storage.draft("datasets", "d", attempt))
    drafts[0].write("file", b"content")
    drafts[1].write("file", content)
    published = drafts[0].storage.publish(drafts[0], {})
    if content == b"content":
        assert drafts[1].storage.publish(drafts[1], {}).manifest == published.manifest
    else:
        with pytest.raises(AbortedError):
            drafts[1].storage.publish(drafts[1], {})
    assert Storage(str(tmp_path)).get("datasets", "d").manifest == published.manifest
    assert not Path(drafts[1].path).exists()


def test_other_content_under_a_published_name_is_refused(storage: Storage) -> None:
    first = storage.draft("datasets", "d", "a1")
    first.write("file", b"content")
    storage.publish(first, {})
    second = storage.draft("datasets", "d", "a2")
    second.write("file", b"else")
    with pytest.raises(AbortedError):
        storage.publish(second, {})
    assert storage.get("datasets", "d").read("file") == b"content"


def test_a_changed_or_missing_file_is_found(storage: Storage) -> None:
    draft = storage.draft("reports", "r", "a1")
    for name in ("kept", "changed", "lost"):
        draft.write(name, name.encode())
    artifact = storage.publish(draft, {})
    storage.fs.pipe_file(f"{artifact.path}/changed", b"forged")
    storage.fs.rm(f"{artifact.path}/lost")
    assert artifact.verify() == ["changed", "lost"]
    with pytest.raises(DataError, match="digest"):
        artifact.read("changed")
    with pytest.raises(DataError, match="missing"):
        artifact.read("lost")
    with pytest.raises(NotFoundError):
        artifact.read("never there")


def test_a_new_draft_of_the_attempt_starts_empty(storage: Storage) -> None:
    storage.draft("reports", "r", "a1").write("old", b"old")
    draft = storage.draft("reports", "r", "a1")
    draft.write("new", b"new")
    artifact = storage.publish(draft, {})
    assert [entry.path for entry in artifact.manifest.files] == ["new"]
    assert not storage.fs.exists(f"{artifact.path}/old")


def test_fetch_gives_the_files_as_a_local_folder(storage: Storage, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    (source / "sub" / "file").write_bytes(b"content")
    draft = storage.draft("reports", "r", "a1")
    draft.add_folder(source)
    folder = storage.publish(draft, {}).fetch(tmp_path / "cache")
    assert (folder / "sub" / "file").read_bytes() == b"content"


def test_deleting_is_idempotent(storage: Storage) -> None:
    storage.delete("reports", "r")
    draft = storage.draft("reports", "r", "a1")
    draft.write("file", b"content")
    storage.publish(draft, {})
    storage.delete("reports", "r")
    storage.delete("reports", "r")
    assert storage.find("reports", "r") is None
    with pytest.raises(NotFoundError, match="reports/r"):
        storage.get("reports", "r")


def test_an_atomic_write_leaves_nothing_beside(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    path = storage.join("folder", "file")
    storage.write_atomically(path, b"one")
    storage.write_atomically(path, b"two")
    assert [p.name for p in (tmp_path / "folder").iterdir()] == ["file"]
    assert (tmp_path / "folder" / "file").read_bytes() == b"two"


def test_a_draft_whose_block_raises_is_removed(storage: Storage) -> None:
    def breaks_off() -> None:
        with storage.drafted("reports", "r", "a1") as draft:
            draft.write("deep/down/file", b"content")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        breaks_off()
    assert storage.fs.find(storage.root) == []


def test_a_draft_that_was_published_outlives_its_block(storage: Storage) -> None:
    def breaks_off_late() -> None:
        with storage.drafted("reports", "r", "a1") as draft:
            draft.write("file", b"content")
            storage.publish(draft, {})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        breaks_off_late()
    assert storage.get("reports", "r").verify() == []


def test_a_manifests_digest_is_that_of_its_content(storage: Storage) -> None:
    draft = storage.draft("reports", "r", "a1")
    for name in ("b", "a/ä"):
        draft.write(name, name.encode())
    metadata = {"sätze": ["x", {"files": []}], "count": 2}
    manifest = storage.publish(draft, metadata).manifest
    files = [{"path": e.path, "size": e.size, "digest": e.digest} for e in manifest.files]
    content = {"collection": "reports", "metadata": metadata, "files": files}
    assert manifest.digest == digest_of(content)
    assert Manifest.from_json("".join(manifest.to_json())) == manifest


def test_two_may_remove_the_same_at_once(storage: Storage) -> None:
    draft = storage.draft("reports", "r", "a1")
    for number in range(300):
        draft.write(f"{number % 20}/{number}", b"content")
    storage.publish(draft, {})
    start = threading.Barrier(4)

    def delete(_: int) -> None:
        start.wait(30)
        storage.delete("reports", "r")

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(delete, range(4))) == [None] * 4
    assert storage.find("reports", "r") is None
    assert storage.fs.find(storage.root) == []

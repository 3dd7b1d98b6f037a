"""Published weights: found, fetched from a real HTTP server, refused, missing."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from medsynth.metrics import INCEPTION, Missing, PublishedWeights, find_weights

CONTENT = os.urandom(3_000_000)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[str]:
    published = tmp_path / "published"
    published.mkdir()
    (published / "file.pth").write_bytes(CONTENT)
    (published / "short.pth").write_bytes(CONTENT[:-1])
    (published / "long.pth").write_bytes(CONTENT + b"x")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(published))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def wanted(address: str, content: bytes = CONTENT) -> PublishedWeights:
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    return PublishedWeights("Test", ("file.pth", "other.pth"), digest, len(content), address)


def test_fid_weights_are_named_by_their_digest() -> None:
    for name in INCEPTION.names:
        assert INCEPTION.digest.startswith("sha256:" + Path(name).stem.rsplit("-", 1)[1])


@pytest.mark.parametrize("name", ["file.pth", "other.pth"])
def test_finds_the_file_under_each_of_its_names(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(CONTENT)
    assert find_weights(tmp_path, wanted=wanted("http://127.0.0.1:9/")) == tmp_path / name


def test_fetches_once(tmp_path: Path, publisher: str) -> None:
    folder = tmp_path / "weights"
    found = find_weights(folder, wanted=wanted(f"{publisher}/file.pth"))
    assert found == folder / "file.pth"
    assert (folder / "file.pth").read_bytes() == CONTENT
    assert os.listdir(folder) == ["file.pth"]
    assert find_weights(folder, wanted=wanted("http://127.0.0.1:9/")) == found


@pytest.mark.parametrize("file", ["short.pth", "long.pth", "absent.pth"])
def test_what_is_fetched_wrong_leaves_nothing(tmp_path: Path, publisher: str, file: str) -> None:
    folder = tmp_path / "weights"
    found = find_weights(folder, wanted=wanted(f"{publisher}/{file}"))
    assert isinstance(found, Missing)
    assert os.listdir(folder) == []


def test_missing_says_what_to_do(tmp_path: Path) -> None:
    asked = wanted("http://127.0.0.1:9/file.pth")
    for download in (False, True):
        found = find_weights(tmp_path, download=download, wanted=asked, timeout=2)
        assert isinstance(found, Missing)
        for needed in (str(tmp_path / "file.pth"), asked.digest, asked.address):
            assert needed in found.remedy
        assert str(tmp_path) in found.reason
    assert os.listdir(tmp_path) == []


def test_a_file_of_another_digest_is_refused_and_kept(tmp_path: Path, publisher: str) -> None:
    (tmp_path / "weights").mkdir()
    mine = tmp_path / "weights" / "file.pth"
    mine.write_bytes(b"mine")
    found = find_weights(tmp_path / "weights", wanted=wanted(f"{publisher}/file.pth"))
    assert isinstance(found, Missing)
    assert hashlib.sha256(b"mine").hexdigest() in found.reason
    assert mine.read_bytes() == b"mine"


def test_a_folder_that_cannot_be_made_is_a_reason(tmp_path: Path, publisher: str) -> None:
    (tmp_path / "file").write_text("")
    found = find_weights(tmp_path / "file" / "deeper", wanted=wanted(f"{publisher}/file.pth"))
    assert isinstance(found, Missing)

from __future__ import annotations

import os
from pathlib import Path

import pytest

from medsynth.data.files import TooManyFilesError, open_files
from medsynth.data.local_files import LocalFiles, inside, real_roots
from medsynth.errors import DataError
from tests.data.source_files import CONTENT, read_back, written


def test_a_forgotten_listing_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    files = open_files(str(tmp_path))
    assert list(files.paths) == ["a"]
    (tmp_path / "b").write_bytes(b"x")
    assert list(files.paths) == ["a"]
    files.forget()
    assert list(files.paths) == ["a", "b"]


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


def test_folders_that_link_to_each_other_end_too(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number}").mkdir()
        for name in "ab":
            (tmp_path / f"{number}" / name).symlink_to(tmp_path / f"{number + 1}")
    with pytest.raises(TooManyFilesError, match="more than 1000 files and folders"):
        _ = open_files(str(tmp_path), most=1000).facts


def test_more_files_than_allowed_are_refused(tmp_path: Path) -> None:
    """There are three files in two folders and their own."""
    assert len(open_files(str(written(tmp_path)), most=6).paths) == 3
    with pytest.raises(TooManyFilesError, match="more than 5 files"):
        _ = open_files(str(tmp_path), most=5).facts


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
    with pytest.raises(DataError, match="link: is a link to a file outside"):
        source.read("link")


@pytest.mark.parametrize("path", ["../secret", "deep/../../secret", "/etc/hostname", ".."])
def test_paths_that_lead_out_are_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    source = open_files(str(written(tmp_path / "set")))
    with pytest.raises(DataError, match="leads out of"), source.local(["case 1.nii", path]):
        pass


def test_messages_may_show_another_name_than_the_folders(tmp_path: Path) -> None:
    source = LocalFiles(str(written(tmp_path)), shown="s3://bucket/set.zip")
    with pytest.raises(DataError, match=r"^s3://bucket/set\.zip/gone: the file is missing"):
        source.read("gone")


def test_folders_outside_the_roots_are_not_entered(tmp_path: Path) -> None:
    folder = written(tmp_path / "set")
    (tmp_path / "other" / "deep").mkdir(parents=True)
    (tmp_path / "other" / "deep" / "secret").write_bytes(b"secret")
    (folder / "out").symlink_to(tmp_path / "other")
    (folder / "again").symlink_to(folder / "deep")
    again = {path.replace("deep", "again") for path in CONTENT if path.startswith("deep")}
    source = LocalFiles(str(folder), roots=[str(folder)])
    assert set(source.paths) == {*CONTENT, *again, "out"}
    with pytest.raises(DataError, match="out: is a link to a file outside"):
        source.read("out")
    assert "out/deep/secret" in LocalFiles(str(folder), roots=[str(tmp_path)]).paths


def test_inside_is_not_a_matter_of_prefixes() -> None:
    assert inside("/data/a", ["/data"])
    assert inside("/data/a", ["/"])
    assert not inside("/database", ["/data"])
    assert not inside("/data", [])


def test_real_roots_are_absolute_and_follow_links(tmp_path: Path) -> None:
    (tmp_path / "door").symlink_to(tmp_path)
    roots = [str(tmp_path / "door"), "relative", "", "s3://bucket"]
    assert real_roots(roots) == [str(tmp_path.resolve())]

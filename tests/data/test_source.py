from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import fsspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsynth.data import pseudonyms
from medsynth.data.preparation import Preparation
from medsynth.data.source import (
    Source,
    complete,
    dataset_id,
    fingerprint,
    inside,
    opened,
    resolve,
)
from medsynth.errors import (
    DataError,
    InvalidArgumentError,
    MedsynthError,
    NotFoundError,
    PermissionDeniedError,
)
from tests.data.acdc_files import acdc_folder
from tests.data.dicom_files import KEY, series, write_series


@pytest.fixture
def roots(tmp_path: Path) -> list[str]:
    (tmp_path / "allowed" / "set").mkdir(parents=True)
    (tmp_path / "allowed-not" / "set").mkdir(parents=True)
    return [str(tmp_path / "allowed")]


def test_inside(tmp_path: Path, roots: list[str]) -> None:
    real = str(tmp_path / "allowed" / "set")
    assert resolve(real, roots) == real
    assert resolve(real + "/", roots) == real
    assert resolve(f"{roots[0]}/set/../set/.", roots) == real
    assert resolve(roots[0], roots) == roots[0]
    assert resolve(real, ["/"]) == real


@pytest.mark.parametrize(
    "attack",
    [
        "{root}/..",
        "{root}/../allowed-not/set",
        "{root}-not/set",
        "{root}/set/../../allowed-not",
        "/",
        "/etc/passwd",
        "//etc/passwd",
        "/proc/self/root/etc",
        "{root}/link",
        "{root}/link/set",
        "{root}/set/../link/set",
        "{root}/loop/a",
    ],
)
def test_outside(attack: str, tmp_path: Path, roots: list[str]) -> None:
    (tmp_path / "allowed" / "link").symlink_to(tmp_path / "allowed-not")
    (tmp_path / "allowed" / "loop").symlink_to(tmp_path / "allowed" / "loop")
    with pytest.raises((PermissionDeniedError, NotFoundError)) as caught:
        resolve(attack.format(root=roots[0]), roots)
    if "loop" not in attack:
        assert isinstance(caught.value, PermissionDeniedError)


def test_outside_does_not_tell_what_exists(tmp_path: Path, roots: list[str]) -> None:
    for path in (tmp_path / "allowed-not" / "set", tmp_path / "allowed-not" / "nothing"):
        with pytest.raises(PermissionDeniedError):
            resolve(str(path), roots)


def test_a_root_that_is_a_link(tmp_path: Path, roots: list[str]) -> None:
    (tmp_path / "door").symlink_to(roots[0])
    real = str(tmp_path / "allowed" / "set")
    assert resolve(str(tmp_path / "door" / "set"), [str(tmp_path / "door")]) == real
    assert resolve(real, [str(tmp_path / "door")]) == real


def test_missing(roots: list[str]) -> None:
    with pytest.raises(NotFoundError):
        resolve(f"{roots[0]}/none", roots)
    with pytest.raises(NotFoundError):
        resolve(f"{roots[0]}/{'x' * 3000}", roots)


def test_a_link_to_a_name_that_is_no_text(tmp_path: Path, roots: list[str]) -> None:
    odd = tmp_path / "allowed" / os.fsdecode(b"M\xfcller")
    odd.mkdir()
    (tmp_path / "allowed" / "link").symlink_to(odd)
    with pytest.raises(DataError, match=r"link' is really .*M\\udcfcller', a name not in UTF-8"):
        resolve(f"{roots[0]}/link", roots)


def test_a_path_that_is_too_long_costs_nothing() -> None:
    """To follow it would take minutes: each part is looked at anew."""
    with pytest.raises(InvalidArgumentError, match="at most 4096 characters"):
        resolve("/a" * 2_000_000, ["/"])


def test_no_roots_allow_nothing_but_the_phantom(tmp_path: Path) -> None:
    with pytest.raises(PermissionDeniedError):
        resolve(str(tmp_path), [])
    with pytest.raises(PermissionDeniedError):
        resolve(str(tmp_path), [""])
    assert resolve("phantom://cardiac", []).startswith("phantom://cardiac?patients=60")


@pytest.mark.parametrize(
    "uri", ["", "data", "./data", "~/data", "a\0b", "/a\0b", "s3://bucket/x", "file:///etc",
            "phantom://other", "phantom:/cardiac", "/\udce4"]
)  # fmt: skip
def test_what_no_path_is(uri: str) -> None:
    with pytest.raises(MedsynthError):
        resolve(uri, ["/nowhere"])


@given(st.text())
def test_any_text_is_a_phantom_or_refused_properly(text: str) -> None:
    try:
        resolved = resolve(text, ["/nowhere/at/all"])
    except MedsynthError:
        return
    assert text.startswith("phantom://")
    assert resolved.startswith("phantom://cardiac?patients=")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root `allowed` with a folder, and links that stay inside and that lead out."""
    folder = tmp_path_factory.mktemp("tree")
    (folder / "allowed" / "set" / "deep").mkdir(parents=True)
    (folder / "allowed-not" / "set").mkdir(parents=True)
    (folder / "allowed" / "link").symlink_to(folder / "allowed-not")
    (folder / "allowed" / "set" / "up").symlink_to(folder / "allowed")
    return folder


@given(st.lists(st.sampled_from(["..", ".", "set", "deep", "up", "link", "allowed", ""])))
def test_whatever_resolves_is_inside(tree: Path, parts: list[str]) -> None:
    root = tree / "allowed"
    try:
        real = resolve("/".join([str(root), *parts]), [str(root)])
    except (PermissionDeniedError, NotFoundError):
        return
    assert Path(real) in (root, root / "set", root / "set" / "deep")


def test_inside_is_not_a_matter_of_prefixes() -> None:
    assert inside("/data/a", ["/data"])
    assert not inside("/database", ["/data"])
    assert not inside("/data", ["relative", ""])


def test_fingerprint_names_everything_that_matters(tmp_path: Path) -> None:
    folder = acdc_folder(tmp_path / "acdc", patients=3)
    source = Source(str(folder))
    key = fingerprint(source)
    assert key.startswith("sha256:")
    assert len(key) == 71
    assert dataset_id(source) == key[7:23]
    assert fingerprint(source) == key
    assert fingerprint(replace(source, reader="acdc")) == key
    assert fingerprint(replace(source, preparation=Preparation(size=65))) != key
    (folder / "notes.txt").write_text("does not matter")
    assert fingerprint(source) == key

    file = folder / "patient001" / "patient001_frame01.nii.gz"
    facts = file.stat()
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns + 1))
    touched = fingerprint(source)
    assert touched != key
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert fingerprint(source) == key
    with file.open("ab") as stream:
        stream.write(b"x")
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert fingerprint(source) not in (key, touched)


def test_a_set_whose_patients_are_named_by_a_key_is_another_with_another_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = acdc_folder(tmp_path / "acdc", patients=1)
    write_series(tmp_path / "dicom", series(np.zeros((2, 4, 4), np.int16)))
    (tmp_path / "set.zip").write_bytes(b"not looked into")
    archive = str(tmp_path / "set.zip")
    named = Source(archive, "acdc")
    independent = [Source(str(folder)), Source("phantom://cardiac"), named]
    keyed = [Source(str(tmp_path / "dicom")), Source(archive), Source(archive, "dicom")]

    monkeypatch.setattr(pseudonyms, "_file", None)
    monkeypatch.setattr(pseudonyms, "_key", b"")
    plain = [dataset_id(source) for source in independent]
    assert dataset_id(Source(archive)) == dataset_id(Source(archive))
    with pytest.raises(DataError, match="a key of pseudonyms is set"):
        fingerprint(keyed[0])
    found = []
    for key in (KEY, KEY + b"!", KEY):
        monkeypatch.setattr(pseudonyms, "_key", key)
        found.append([dataset_id(source) for source in keyed])
        assert [dataset_id(source) for source in independent] == plain
        assert not any(pseudonyms.key_digest() in each for each in found[-1])
    assert found[0] == found[2]
    assert not set(found[0]) & set(found[1])


def test_phantoms_that_are_the_same_have_one_key() -> None:
    assert fingerprint(Source("phantom://cardiac")) == fingerprint(
        Source("phantom://cardiac?seed=0&patients=60", "phantom")
    )
    assert fingerprint(Source("phantom://cardiac")) != fingerprint(
        Source("phantom://cardiac?seed=1")
    )


def test_complete(tmp_path: Path) -> None:
    folder = acdc_folder(tmp_path / "acdc", patients=1)
    assert complete(Source(str(folder))).reader == "acdc"
    assert complete(Source("phantom://cardiac")) == Source(
        "phantom://cardiac?patients=60&slices=8&seed=0&contrast=cine", "phantom"
    )
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no reader"):
        complete(Source(str(tmp_path / "empty")))


def test_folders_outside_the_roots_are_not_looked_into(tmp_path: Path) -> None:
    folder = acdc_folder(tmp_path / "acdc", patients=1)
    (tmp_path / "allowed").mkdir()
    (tmp_path / "allowed" / "out").symlink_to(folder)
    source, roots = Source(str(tmp_path / "allowed")), [str(tmp_path / "allowed")]
    assert complete(source).reader == "acdc"
    with pytest.raises(DataError, match="no reader"):
        complete(source, roots=roots)
    key = fingerprint(replace(source, reader="folder"), roots)
    (folder / "new.png").write_bytes(b"x")
    assert fingerprint(replace(source, reader="folder"), roots) == key
    assert fingerprint(replace(source, reader="folder"), [str(tmp_path)]) != key


def test_errors_of_an_archive_name_it_wherever_it_was_fetched_to(tmp_path: Path) -> None:
    fsspec.filesystem("memory").pipe_file("/bucket/broken.zip", b"no archive")
    with pytest.raises(DataError) as caught, opened(Source("memory://bucket/broken.zip")):
        pass
    assert caught.value.message.startswith("memory://bucket/broken.zip: not a readable archive")


def test_reader_and_uri_have_to_fit(tmp_path: Path) -> None:
    for source in (Source("phantom://cardiac", "acdc"), Source(str(tmp_path), "phantom")):
        with pytest.raises(InvalidArgumentError, match=r"specification\.data\.reader"):
            fingerprint(source)


def test_mapping() -> None:
    source = Source("phantom://cardiac", "phantom", Preparation(size=128, split_seed=4))
    assert Source.from_mapping(source.to_mapping()) == source
    assert Source.from_mapping({"uri": "/x"}) == Source("/x")
    for given_fields, field in (
        ({}, "specification.data.uri"),
        ({"uri": 5}, "specification.data.uri"),
        ({"uri": "/x", "reader": "os"}, "specification.data.reader"),
        ({"uri": "/x", "preparation": {"size": 1}}, "specification.data.preparation.size"),
    ):
        with pytest.raises(InvalidArgumentError) as caught:
            Source.from_mapping(given_fields)
        assert caught.value.violations[0].field == field

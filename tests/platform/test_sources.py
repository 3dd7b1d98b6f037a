"""Data sources: filled, resolved, refused by the field's own path."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsynth.data.source import complete
from medsynth.errors import (
    DataError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    UnavailableError,
)
from medsynth.platform import sources
from medsynth.platform.sources import check_range, fill_source, source_message, to_source
from medsynth.v1 import types_pb2
from tests.data.acdc_files import acdc_folder


def phantom(**preparation: object) -> types_pb2.DataSource:
    return types_pb2.DataSource(
        uri="phantom://cardiac", preparation=types_pb2.Preparation(**preparation)
    )


def test_every_field_is_filled_in() -> None:
    filled = fill_source(types_pb2.DataSource(uri="phantom://cardiac?seed=3"), ())
    assert filled.uri == "phantom://cardiac?patients=60&slices=8&seed=3&contrast=cine"
    assert filled.reader == "phantom"
    present = {descriptor.name for descriptor, _ in filled.preparation.ListFields()}
    assert present == set(types_pb2.Preparation.DESCRIPTOR.fields_by_name) - {"label_map"}


@given(
    size=st.integers(32, 512),
    crop=st.sampled_from(["centre", "foreground"]),
    share=st.floats(0.05, 1),
    seed=st.integers(0, 2**63 - 1),
)
def test_filling_twice_changes_nothing_and_the_library_agrees(
    size: int, crop: str, share: float, seed: int
) -> None:
    message = phantom(size=size, crop=crop, crop_share=share, split_seed=seed)
    filled = fill_source(message, ())
    assert fill_source(filled, ()) == filled
    assert source_message(to_source(filled)) == filled
    assert (filled.preparation.size, filled.preparation.split_seed) == (size, seed)


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (types_pb2.DataSource(), "specification.uri"),
        (types_pb2.DataSource(uri="ftp://x"), "specification.uri"),
        (types_pb2.DataSource(uri="relative/path"), "specification.uri"),
        (types_pb2.DataSource(uri="phantom://cardiac", reader="dicom"), "specification.reader"),
        (types_pb2.DataSource(uri="phantom://cardiac", reader="acdc"), "specification.reader"),
        (phantom(size=31), "specification.preparation.size"),
        (phantom(crop="round"), "specification.preparation.crop"),
        (
            phantom(train_share=0.9, validation_share=0.2),
            "specification.preparation.validation_share",
        ),
        (phantom(intensity="window"), "specification.preparation.intensity_low"),
    ],
)
def test_a_refusal_names_the_field_as_the_request_has_it(
    message: types_pb2.DataSource, field: str
) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        fill_source(message, (), "specification")
    assert [violation.field for violation in raised.value.violations] == [field]
    assert raised.value.message.startswith(f"{field}: ")


def test_places_outside_the_roots_are_refused_before_they_are_looked_at(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (inside / "link").symlink_to(outside)
    for path in (outside, outside / "missing", inside / ".." / "outside", inside / "link"):
        with pytest.raises(PermissionDeniedError):
            fill_source(types_pb2.DataSource(uri=str(path)), (str(inside),))
    with pytest.raises(NotFoundError):
        fill_source(types_pb2.DataSource(uri=str(inside / "missing")), (str(inside),))
    with pytest.raises(DataError):
        fill_source(types_pb2.DataSource(uri=str(inside)), (str(inside),))


@pytest.fixture
def bucket() -> Iterator[str]:
    """A set in ACDC's layout in a store; nothing opens its files."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    for patient in ("patient001", "patient002"):
        for name in ("frame01", "frame01_gt", "frame09", "frame09_gt"):
            system.pipe_file(f"/scans/acdc/{patient}/{patient}_{name}.nii.gz", b"")
        system.pipe_file(f"/scans/acdc/{patient}/Info.cfg", b"")
    yield "memory://scans"
    system.store.clear()


def test_a_source_in_a_store_is_recognised_by_its_names(bucket: str) -> None:
    filled = fill_source(types_pb2.DataSource(uri=f"{bucket}//acdc/"), (bucket,))
    assert (filled.uri, filled.reader) == (f"{bucket}/acdc", "acdc")
    with pytest.raises(DataError, match=r"^specification\.data\.uri: .*no reader recognises"):
        fill_source(types_pb2.DataSource(uri=f"{bucket}/nothing"), (bucket,))
    with pytest.raises(PermissionDeniedError):
        fill_source(types_pb2.DataSource(uri="memory://others/acdc"), (bucket,))


def test_a_store_that_does_not_answer_is_said_to(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="nowhere://scans/acdc cannot be reached"):
        fill_source(types_pb2.DataSource(uri="nowhere://scans/acdc"), ("nowhere://scans",))


def test_what_would_take_long_to_recognise_is_left_to_a_worker(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MOST_LISTED", 9)
    folder = acdc_folder(tmp_path / "acdc", patients=2)
    for uri, root in ((f"{bucket}/acdc", bucket), (str(folder), str(tmp_path))):
        asked = types_pb2.DataSource(uri=uri, preparation={"size": 32})
        filled = fill_source(asked, (root,))
        assert (filled.uri, filled.reader, filled.preparation.size) == (uri, "", 32)
        assert fill_source(filled, (root,)) == filled
        assert complete(to_source(filled)).reader == "acdc"
        asked.reader = "acdc"
        assert fill_source(asked, (root,)).reader == "acdc"


def test_limits_are_included() -> None:
    assert (check_range("count", 1, 1, 3), check_range("count", 3, 1, 3)) == (1, 3)
    for value in (0, 4):
        with pytest.raises(InvalidArgumentError, match="count: "):
            check_range("count", value, 1, 3)

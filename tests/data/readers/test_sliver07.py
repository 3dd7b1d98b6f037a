from __future__ import annotations

from pathlib import Path

import fsspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medsynth.data.files import open_files
from medsynth.data.readers import sliver07
from medsynth.data.readers.interface import TESTING, TRAINING, Problem, ReaderOptions
from medsynth.errors import DataError
from tests.data.readers.reading import read_all, survey
from tests.data.readers.volume_writing import AFFINE, image_of, mask_of, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Training scans and labels in folders of their own, and scans for testing."""
    for number in (1, 2, 3):
        write(tmp_path / f"training-scans/scan/liver-orig{number:03d}.mhd", image_of(number))
        write(tmp_path / f"training-labels/label/liver-seg{number:03d}.mhd", mask_of(1))
    write(tmp_path / "test-scans/scan/liver-orig001.mhd", image_of(11))
    (tmp_path / "license.txt").write_text("not read")
    return tmp_path


def test_volumes(folder: Path) -> None:
    assert sliver07.recognises(open_files(str(folder)))
    volumes = read_all(sliver07, folder)
    assert [volume.name for volume in volumes] == [f"liver-orig00{n}" for n in (1, 2, 3)]
    first = volumes[0]
    assert (first.patient, first.units, first.group) == ("liver-orig001", "HU", "")
    assert np.array_equal(first.images[:, 0], image_of(1))
    assert first.masks is not None
    assert np.array_equal(first.masks, mask_of(1))
    assert first.spacing == pytest.approx((8, 1.25, 1.5))
    assert first.affine is not None
    assert np.allclose(first.affine, AFFINE[:, [2, 1, 0, 3]])


def test_images_without_masks_are_for_testing_and_left_out(folder: Path) -> None:
    found = survey(sliver07, folder)
    assert (found.classes, found.modality) == (("background", "liver"), "CT")
    assert [scan.part for scan in found.scans] == [TRAINING] * 3
    assert found.problems == []
    assert found.remarks == [
        "1 images without masks, which are for testing, are left out, such as "
        "test-scans/scan/liver-orig001.mhd."
    ]


def test_images_for_testing_that_have_masks_are_an_official_part(folder: Path) -> None:
    write(folder / "test-labels/liver-seg001.mhd", mask_of(1, 0))
    found = survey(sliver07, folder)
    assert {scan.name: scan.part for scan in found.scans}["testing-liver-orig001"] == TESTING
    assert len({scan.patient for scan in found.scans}) == 4
    volume = read_all(sliver07, folder)[-1]
    assert np.array_equal(volume.images[:, 0], image_of(11))


def test_a_set_without_masks_is_images_alone(folder: Path) -> None:
    found = survey(sliver07, folder / "test-scans")
    assert (len(found.scans), found.classes, found.remarks) == (1, (), [])
    assert read_all(sliver07, folder / "test-scans")[0].masks is None


def test_all_in_one_folder_and_in_one_file_each(tmp_path: Path) -> None:
    write(tmp_path / "liver-orig007.mha", image_of(7))
    write(tmp_path / "liver-seg007.mha", mask_of(1))
    assert np.array_equal(read_all(sliver07, tmp_path)[0].images[:, 0], image_of(7))
    assert sliver07.relevant(open_files(str(tmp_path))) == [
        "liver-orig007.mha",
        "liver-seg007.mha",
    ]


def test_voxels_belong_to_what_is_read(folder: Path) -> None:
    files = open_files(str(folder))
    scan = survey(sliver07, folder).scans[0]
    assert scan.files == (
        "training-scans/scan/liver-orig001.mhd",
        "training-scans/scan/liver-orig001.raw",
        "training-labels/label/liver-seg001.mhd",
        "training-labels/label/liver-seg001.raw",
    )
    relevant = sliver07.relevant(files)
    assert set(scan.files) < set(relevant)
    assert relevant == sorted(relevant)
    assert len(relevant) == 14
    assert "license.txt" not in relevant


def test_a_bucket_is_read_alike(folder: Path) -> None:
    system = fsspec.filesystem("memory")
    system.put(f"{folder}/", "/sliver", recursive=True)
    try:
        volumes = read_all(sliver07, "memory://sliver")
    finally:
        system.store.clear()
    assert np.array_equal(volumes[2].images[:, 0], image_of(3))


def test_what_is_ambiguous_or_alone_is_a_problem(folder: Path) -> None:
    write(folder / "again/liver-orig002.mhd", image_of(2))
    for number in (9, 4, 8):
        write(folder / f"again/liver-seg00{number}.mhd", mask_of(1))
    found = survey(sliver07, folder)
    assert [scan.name[-1] for scan in found.scans] == ["1", "2", "3"]
    assert found.problems == [
        Problem(
            "training-scans/scan/liver-orig002.mhd",
            "again/liver-orig002.mhd is the same image or mask",
        ),
        *(
            Problem(f"again/liver-seg00{number}.mhd", "the image that it is a mask of is missing")
            for number in (4, 8, 9)
        ),
    ]


def test_a_training_image_without_its_mask_is_a_problem(folder: Path) -> None:
    (folder / "training-labels/label/liver-seg002.mhd").unlink()
    found = survey(sliver07, folder)
    assert [scan.name for scan in found.scans] == ["liver-orig001", "liver-orig003"]
    assert found.problems == [
        Problem("training-scans/scan/liver-orig002.mhd", "its mask is missing")
    ]
    assert found.remarks[0].startswith("1 images without masks, which are for testing")


@pytest.mark.parametrize("names", [[], ["a.mhd"], ["liver-orig.mhd"], ["liver-orig001.raw"]])
def test_other_folders_are_not_recognised(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_bytes(b"")
    assert not sliver07.recognises(open_files(str(tmp_path)))
    with pytest.raises(DataError, match="no images found"):
        survey(sliver07, tmp_path)


def refused(folder: Path, name: str) -> str:
    with pytest.raises(DataError) as caught:
        read_all(sliver07, folder)
    assert caught.value.message.startswith(f"{folder / name}: ")
    return caught.value.message


def test_masks_of_other_shape_place_or_label(folder: Path) -> None:
    name = "training-labels/label/liver-seg002.mhd"
    write(folder / name, mask_of(1)[:3])
    assert "shape (3, 20, 24)" in refused(folder, name)
    moved = AFFINE.copy()
    moved[2, 3] += 8
    write(folder / name, mask_of(1), moved)
    assert "lies elsewhere than its image" in refused(folder, name)
    write(folder / name, mask_of(2))
    assert "label 2 in the mask, expected 0 background, 1 liver" in refused(folder, name)


def test_headers_that_round_alike_fit(folder: Path) -> None:
    rounded = AFFINE * (1 + 1e-3)
    write(folder / "training-labels/label/liver-seg002.mhd", mask_of(1), rounded)
    assert len(read_all(sliver07, folder)) == 3


def test_several_channels_are_refused(folder: Path) -> None:
    name = "training-scans/scan/liver-orig001.mhd"
    write(folder / name, image_of(1, channels=2))
    assert "2 channels, expected 1" in refused(folder, name)


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=4),
    name=st.sampled_from(["liver-orig001.mhd", "liver-seg001.mhd", "liver-seg001.raw"]),
    length=st.integers(0, 4000),
)
def test_whatever_bytes_a_file_holds_it_is_read_or_refused(
    folder: Path, changes: list[tuple[int, int]], name: str, length: int
) -> None:
    file = next(folder.rglob(f"training-*/*/{name}"))
    whole = file.read_bytes()
    content = bytearray(whole)
    for place, value in changes:
        content[place % len(content)] = value
    file.write_bytes(content[:length] if length % 3 == 0 else content)
    files, options = open_files(str(folder)), ReaderOptions()
    scan = sliver07.survey(files, options).scans[0]
    message = f"{folder}/"
    try:
        with files.local(scan.files) as root:
            volume = sliver07.read(root, scan, options)
    except DataError as error:
        message = error.message
    else:
        assert np.isfinite(volume.images).all()
        assert volume.masks is not None
        assert volume.masks.shape == volume.images[:, 0].shape
    finally:
        file.write_bytes(whole)
    assert message.startswith(f"{folder}/")

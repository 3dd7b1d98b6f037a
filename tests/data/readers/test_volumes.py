from __future__ import annotations

from pathlib import Path

import fsspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medsynth.data.files import open_files
from medsynth.data.local_files import LocalFiles
from medsynth.data.readers import volumes
from medsynth.data.readers.interface import TESTING, TRAINING, ReaderOptions
from medsynth.data.readers.patients import UNKNOWN
from medsynth.errors import DataError, InvalidArgumentError
from tests.data.readers.reading import read_all, survey
from tests.data.readers.volume_writing import AFFINE, SHAPE, image_of, mask_of, write

ENDINGS = (".nii.gz", ".nii", ".mha", ".mhd", ".nrrd", ".nhdr")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in (1, 2, 3):
        write(tmp_path / f"case{number}.nii.gz", image_of(number))
        write(tmp_path / f"case{number}_seg.nii.gz", mask_of(1, 2))
    (tmp_path / "readme.txt").write_text("not read")
    return tmp_path


@pytest.mark.parametrize("ending", ENDINGS)
def test_volumes(tmp_path: Path, ending: str) -> None:
    for number in (1, 2):
        write(tmp_path / f"images/case{number}{ending}", image_of(number))
        write(tmp_path / f"labels/case{number}{ending}", mask_of(1, 2))
    files = open_files(str(tmp_path))
    assert volumes.recognises(files)
    found = survey(volumes, tmp_path)
    assert found.classes == ("background", "label 1", "label 2")
    assert found.problems == []
    assert found.remarks == [UNKNOWN]
    first, second = read_all(volumes, tmp_path)
    assert (first.name, first.patient, first.units) == ("case1", "case1", "")
    assert np.array_equal(second.images[:, 0], image_of(2))
    assert second.masks is not None
    assert np.array_equal(second.masks, mask_of(1, 2))
    assert second.affine is not None
    assert np.allclose(second.affine, AFFINE[:, [2, 1, 0, 3]])
    opened = {file for scan in found.scans for file in scan.files}
    assert sorted(opened) == volumes.relevant(files)


def test_without_masks(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        write(tmp_path / f"p{number}/t1.nii.gz", image_of(number))
    found = survey(volumes, tmp_path)
    assert (found.classes, found.problems) == ((), [])
    assert [scan.patient for scan in found.scans] == ["p1", "p2", "p3"]
    assert found.remarks[0].startswith("Patients are told apart by their folders: 3, such as p1 ")
    assert read_all(volumes, tmp_path)[0].masks is None
    with pytest.raises(InvalidArgumentError, match="class_names"):
        survey(volumes, tmp_path, ReaderOptions(class_names=("liver",)))


@pytest.mark.parametrize("ending", [".nii.gz", ".mha", ".nrrd"])
def test_one_file_is_a_source(tmp_path: Path, ending: str) -> None:
    file = write(tmp_path / f"case{ending}", image_of(1))
    write(tmp_path / "other.nii", image_of(2))
    volume = read_all(volumes, file)[0]
    assert (volume.name, volume.patient, volume.masks) == ("case", "case", None)
    assert np.array_equal(volume.images[:, 0], image_of(1))


def test_a_header_alone_does_not_lead_to_other_files(tmp_path: Path) -> None:
    file = write(tmp_path / "case.mhd", image_of(1))
    with pytest.raises(DataError, match=r"case\.mhd: its voxels are in 'case\.raw'"):
        read_all(volumes, file)


def test_voxels_that_are_a_link_out_of_the_roots_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "set" / "case.mhd", image_of(1))
    (tmp_path / "set" / "case.raw").rename(tmp_path / "secret")
    (tmp_path / "set" / "case.raw").symlink_to(tmp_path / "secret")
    files = LocalFiles(str(tmp_path / "set"), roots=[str(tmp_path / "set")])
    scan = volumes.survey(files, ReaderOptions()).scans[0]
    with pytest.raises(DataError, match=r"case\.raw: is a link"), files.local(scan.files):
        pass


@pytest.mark.parametrize("ending", [".nii.gz", ".mha", ".nrrd"])
def test_components_are_channels(tmp_path: Path, ending: str) -> None:
    write(tmp_path / f"a{ending}", image_of(1, channels=3))
    volume = read_all(volumes, tmp_path)[0]
    assert np.array_equal(volume.images, np.moveaxis(image_of(1, channels=3), -1, 1))
    write(tmp_path / f"a{ending}", image_of(1, channels=9))
    with pytest.raises(DataError, match=r"9 volumes or components .* a file each"):
        read_all(volumes, tmp_path)


def test_folders_of_parts_are_an_official_split(tmp_path: Path) -> None:
    for part, number in (("train", 1), ("val", 2), ("test", 3), ("test", 4)):
        write(tmp_path / part / f"images/case{number}.nii", image_of(number))
        write(tmp_path / part / f"labels/case{number}.nii", mask_of(1))
    parts = {scan.name: scan.part for scan in survey(volumes, tmp_path).scans}
    assert sorted(parts.values()) == [TESTING] * 2 + [TRAINING] * 2
    assert {name[-1] for name, part in parts.items() if part == TESTING} == {"3", "4"}


def test_labels_are_the_values_in_a_sample(tmp_path: Path) -> None:
    for number in range(9):
        write(tmp_path / f"{number}.nii", image_of(number))
        write(tmp_path / f"{number}_gt.nii", mask_of(*((1, 4) if number == 8 else (1,))))
    found = survey(volumes, tmp_path)
    assert found.classes == ("background", "label 1", "label 2")
    assert found.remarks[0] == "The values 0, 1, 4 of its masks become 0, 1, ..."
    assert found.remarks[1].startswith("Labels are known from 5 of 9 masks")
    masks = read_all(volumes, tmp_path)[8].masks
    assert masks is not None
    assert np.array_equal(masks, mask_of(1, 2))
    write(tmp_path / "3_gt.nii", mask_of(5))
    with pytest.raises(DataError, match=r"3_gt\.nii: label 5 in the mask, expected 0 background"):
        read_all(volumes, tmp_path)


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ((128,), ()),
        ((2,), ("liver",)),
        ((1, 2, 4), ()),
        ((1, 2, 4), ("core", "oedema", "enhancing")),
        ((300,), ()),
    ],
)
def test_values_with_gaps_are_no_classes(
    folder: Path, values: tuple[int, ...], names: tuple[str, ...]
) -> None:
    for number in (1, 2, 3):
        labels = np.array([0, *values], np.uint16)[mask_of(*range(1, len(values) + 1))]
        write(folder / f"case{number}_seg.nii.gz", labels)
    options = ReaderOptions(class_names=names)
    found = survey(volumes, folder, options)
    numbered = tuple(f"label {label}" for label in range(1, len(values) + 1))
    assert found.classes == ("background", *(names or numbered))
    shown = ", ".join(map(str, (0, *values)))
    assert found.remarks[0] == f"The values {shown} of its masks become 0, 1, ..."
    for volume in read_all(volumes, folder, options):
        assert volume.masks is not None
        assert np.array_equal(volume.masks, mask_of(*range(1, len(values) + 1)))


@pytest.mark.parametrize("values", [(63, 126, 189, 252), (205, 420, 500)])
def test_values_that_mean_nothing_known_have_to_be_said(
    folder: Path, values: tuple[int, ...]
) -> None:
    mask = mask_of(*range(1, len(values) + 1))
    for number in (1, 2, 3):
        write(folder / f"case{number}_seg.nii.gz", np.array([0, *values], np.uint16)[mask])
    with pytest.raises(DataError, match=r"case1_seg\.nii\.gz: .* options\.mask_values have to say"):
        survey(volumes, folder)
    options = ReaderOptions(mask_values=(0, *values[::-1]))
    found = survey(volumes, folder, options)
    assert found.classes == ("background", *(f"label {n}" for n in range(1, len(values) + 1)))
    assert found.remarks == [UNKNOWN]
    backwards = np.array([0, *range(len(values), 0, -1)])
    masks = read_all(volumes, folder, options)[1].masks
    assert masks is not None
    assert np.array_equal(masks, backwards[mask])
    with pytest.raises(DataError, match=f"label {values[1]}.* in the mask, expected 0 background"):
        read_all(volumes, folder, ReaderOptions(mask_values=(0, values[0], values[2])))
    with pytest.raises(InvalidArgumentError, match=f"{len(values)} in all"):
        survey(volumes, folder, ReaderOptions(mask_values=(0, *values), class_names=("one",)))


def test_class_names_say_which_labels_there_are(folder: Path) -> None:
    names = ("rv", "myo", "lv")
    found = survey(volumes, folder, ReaderOptions(class_names=names))
    assert found.classes == ("background", *names)
    with pytest.raises(InvalidArgumentError, match=r"a name for each label .* 2 in all"):
        survey(volumes, folder, ReaderOptions(class_names=("rv",)))


@pytest.mark.parametrize("names", [(), ("liver",)])
def test_white_on_black_is_one_label(folder: Path, names: tuple[str, ...]) -> None:
    for number in (1, 2, 3):
        write(folder / f"case{number}_seg.nii.gz", mask_of(255))
    options = ReaderOptions(class_names=names)
    assert survey(volumes, folder, options).classes == ("background", *(names or ("label 1",)))
    masks = read_all(volumes, folder, options)[0].masks
    assert masks is not None
    assert np.array_equal(masks, mask_of(1))
    files = open_files(str(folder))
    second = volumes.survey(files, options).scans[1]
    write(folder / "case2_seg.nii.gz", mask_of(254))
    with (
        pytest.raises(DataError, match=r"case2_seg\.nii\.gz: label 254 in the mask"),
        files.local(second.files) as root,
    ):
        volumes.read(root, second, options)


def test_empty_masks_are_of_one_label(folder: Path) -> None:
    for number in (1, 2, 3):
        write(folder / f"case{number}_seg.nii.gz", mask_of())
    assert survey(volumes, folder).classes == ("background", "label 1")
    assert len(read_all(volumes, folder)) == 3


def test_broken_masks_do_not_hide_the_labels_of_others(folder: Path) -> None:
    for number in (1, 2):
        (folder / f"case{number}_seg.nii.gz").write_bytes(b"broken")
    assert len(survey(volumes, folder).classes) == 3
    (folder / "case3_seg.nii.gz").write_bytes(b"broken")
    with pytest.raises(DataError, match=r"case1_seg\.nii\.gz: not a readable NIfTI file"):
        survey(volumes, folder)


def test_errors_name_files_of_a_bucket_as_the_bucket_does() -> None:
    system = fsspec.filesystem("memory")
    system.pipe_file("/set/a.nii", b"broken")
    system.pipe_file("/set/a_seg.nii", b"broken")
    try:
        with pytest.raises(DataError, match=r"^memory://set/a_seg\.nii: not a readable NIfTI"):
            survey(volumes, "memory://set")
    finally:
        system.store.clear()


def test_a_bucket_is_read_alike(tmp_path: Path) -> None:
    write(tmp_path / "a.mhd", image_of(1))
    write(tmp_path / "a_seg.mhd", mask_of(1))
    system = fsspec.filesystem("memory")
    system.put(f"{tmp_path}/", "/set", recursive=True)
    try:
        volume = read_all(volumes, "memory://set")[0]
    finally:
        system.store.clear()
    assert np.array_equal(volume.images[:, 0], image_of(1))
    assert volume.masks is not None


def test_what_belongs_to_nothing_is_a_problem(folder: Path) -> None:
    (folder / "case2_seg.nii.gz").unlink()
    found = survey(volumes, folder)
    assert [(p.file, p.reason) for p in found.problems] == [("case2.nii.gz", "its mask is missing")]
    assert [scan.name for scan in found.scans] == ["case1", "case3"]


def test_patients_by_a_pattern(folder: Path) -> None:
    found = survey(volumes, folder, ReaderOptions(patient_pattern="case([12])"))
    assert [scan.patient for scan in found.scans] == ["1", "2"]
    assert [problem.file for problem in found.problems] == ["case3.nii.gz"]
    assert found.remarks == []
    with pytest.raises(InvalidArgumentError, match="patient_pattern"):
        survey(volumes, folder, ReaderOptions(patient_pattern="nowhere"))


def test_other_folders_are_not_recognised(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "a.raw").write_bytes(b"")
    assert not volumes.recognises(open_files(str(tmp_path)))
    with pytest.raises(DataError, match="no images found"):
        survey(volumes, tmp_path)


def refused(folder: Path, name: str) -> str:
    with pytest.raises(DataError) as caught:
        read_all(volumes, folder)
    assert caught.value.message.startswith(f"{folder / name}: ")
    return caught.value.message


def test_masks_of_other_shape_or_place(folder: Path) -> None:
    name = "case2_seg.nii.gz"
    write(folder / name, mask_of(1, 2)[:, :19])
    assert "the mask has shape (4, 19, 24), its image (4, 20, 24)" in refused(folder, name)
    write(folder / name, mask_of(1, 2), AFFINE + np.diag([0, 0, 0.1, 0]))
    assert "lies elsewhere than its image" in refused(folder, name)
    write(folder / name, np.zeros((*SHAPE, 2), np.uint8))
    assert "the mask has 2 channels" in refused(folder, name)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_intensities_that_are_none(folder: Path, value: float) -> None:
    values = image_of(2).astype(np.float64)
    values[1, 2, 3] = value
    write(folder / "case2.nii.gz", values)
    message = refused(folder, "case2.nii.gz")
    assert "1 of 1920 intensities are NaN or infinite" in message


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.5, -1, 256])
def test_labels_that_are_none(folder: Path, value: float) -> None:
    values = mask_of(1, 2).astype(np.float32)
    values[0, 0, 0] = value
    write(folder / "case2_seg.nii.gz", values)
    assert "in the mask, expected 0 background" in refused(folder, "case2_seg.nii.gz")


def test_the_real_data_set(real_acdc: Path) -> None:
    found = survey(volumes, real_acdc)
    assert (len(found.scans), found.problems) == (60, [])
    assert len({scan.patient for scan in found.scans}) == 30
    assert found.scans[0].patient == "patient001"
    assert found.classes == ("background", "label 1", "label 2", "label 3")
    files = open_files(str(real_acdc))
    for scan in found.scans[::20]:
        with files.local(scan.files) as root:
            volume = volumes.read(root, scan, ReaderOptions())
        assert volume.masks is not None
        blood, muscle = (volume.images[:, 0][volume.masks == label].mean() for label in (3, 2))
        assert blood > 1.5 * muscle


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=4),
    name=st.sampled_from(["case1.nii.gz", "case2_seg.nii.gz"]),
    kept=st.floats(0.5, 1.5),
)
def test_whatever_bytes_a_file_holds_it_is_read_or_refused(
    folder: Path, changes: list[tuple[int, int]], name: str, kept: float
) -> None:
    whole = (folder / name).read_bytes()
    content = bytearray(whole)
    for place, value in changes:
        content[place % len(content)] = value
    (folder / name).write_bytes(content[: int(kept * len(content))])
    message = f"{folder}"
    try:
        read_all(volumes, folder)
    except DataError as error:
        message = error.message
    finally:
        (folder / name).write_bytes(whole)
    assert message.startswith(f"{folder}")

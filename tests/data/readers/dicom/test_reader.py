from __future__ import annotations

import logging
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydicom import Dataset, config
from pydicom.uid import CTImageStorage, RLELossless, SecondaryCaptureImageStorage, generate_uid

from medsynth.data.readers import dicom
from medsynth.data.readers.interface import ReaderOptions
from medsynth.data.volume import Volume
from medsynth.errors import DataError
from tests.data import dicom_files
from tests.data.dicom_files import (
    affine_of,
    clip,
    compress,
    enhanced,
    image,
    item,
    save,
    series,
    write_series,
)
from tests.data.readers.reading import read_all, survey

VALUES = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)


def read_one(folder: Path) -> Volume:
    (volume,) = read_all(dicom, folder)
    return volume


def test_a_series_is_a_volume(tmp_path: Path) -> None:
    write_series(tmp_path / "a" / "b", series(VALUES, RescaleSlope="2", RescaleIntercept="-1024"))
    volume = read_one(tmp_path)
    assert volume.images.dtype == np.float32
    assert (volume.images[:, 0] == VALUES * 2.0 - 1024).all()
    assert volume.spacing == pytest.approx((2.5, 0.75, 0.5))
    assert volume.affine is not None
    assert np.allclose(
        volume.affine, affine_of((-10, -20, 30), dicom_files.AXIAL, (2.5, 0.75, 0.5))
    )
    assert (volume.units, volume.masks, volume.remarks) == ("HU", None, ())
    assert volume.patient.startswith("patient-")
    assert volume.name.startswith(f"{volume.patient}/")


@st.composite
def placements(draw: st.DrawFn) -> tuple[tuple[float, ...], list[float], list[float]]:
    """Orientation, origin and spacing."""
    turn = np.linalg.qr(
        draw(arrays(float, (3, 3), elements=st.floats(-1, 1))) + np.diag([3.0, 4.0, 5.0])
    )[0]
    coordinate = st.floats(-500, 500)
    length = st.floats(0.2, 8)
    return (
        tuple(turn[:, :2].T.ravel()),
        draw(st.lists(coordinate, min_size=3, max_size=3)),
        draw(st.lists(length, min_size=3, max_size=3)),
    )


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(st.integers(2, 6), st.integers(1, 5), st.integers(1, 5)),
    placements(),
    st.randoms(use_true_random=False),
)
def test_geometry_alone_puts_slices_in_order(
    tmp_path_factory: pytest.TempPathFactory,
    shape: tuple[int, int, int],
    placement: tuple[tuple[float, ...], list[float], list[float]],
    random: object,
) -> None:
    orientation, origin, spacing = placement
    values = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    images = series(values, origin=origin, orientation=orientation, spacing=spacing)
    random.shuffle(images)  # type: ignore[attr-defined]
    for number, each in enumerate(images):
        each.InstanceNumber = number
    folder = tmp_path_factory.mktemp("dicom")
    write_series(folder, images)
    volume = read_one(folder)
    assert (volume.images[:, 0] == values).all()
    assert volume.affine is not None
    assert np.allclose(volume.affine, affine_of(origin, orientation, spacing), atol=1e-5)
    assert volume.remarks == ()


def table(kind: str) -> Dataset:
    """A table of values that gives each number again."""
    made = item(LUTDescriptor=[64, 0, 16], ModalityLUTType=kind, LUTData=list(range(64)))
    made["LUTData"].VR = made["LUTDescriptor"].VR = "US"
    return made


def test_units_of_computed_tomography(tmp_path: Path) -> None:
    for name, elements in {
        "none": {},
        "unscaled": {"RescaleSlope": None, "RescaleIntercept": None},
        "no intercept": {"RescaleIntercept": None},
        "density": {"ModalityLUTSequence": [table("OD")]},
        "looked up": {"ModalityLUTSequence": [table("HU")]},
        "hu": {"RescaleType": "HU"},
        "electrons": {"RescaleType": "ED"},
        "screenshot": {"SOPClassUID": SecondaryCaptureImageStorage},
        "mr": {"Modality": "MR"},
    }.items():
        write_series(tmp_path / name, series(VALUES[:2], **elements))
    units = {path.name: read_one(path).units for path in tmp_path.iterdir()}
    assert {name for name, unit in units.items() if unit == "HU"} == {"none", "hu", "looked up"}
    assert set(units.values()) == {"HU", ""}
    remarks = {path.name: " ".join(read_one(path).remarks) for path in tmp_path.iterdir()}
    assert {name for name, said in remarks.items() if "do not say that values are" in said} == {
        "unscaled", "no intercept", "density", "electrons"
    }  # fmt: skip


@pytest.mark.parametrize(("dtype", "ends"), [(np.uint16, 4095), (np.int16, -1)])
def test_monochrome_1_is_inverted_before_it_is_rescaled(
    tmp_path: Path, dtype: type, ends: int
) -> None:
    elements = {
        "Modality": "MR", "PhotometricInterpretation": "MONOCHROME1", "BitsStored": 12,
        "HighBit": 11, "RescaleSlope": "2", "RescaleIntercept": "7",
    }  # fmt: skip
    write_series(tmp_path, series(VALUES.astype(dtype), **elements))
    assert (read_one(tmp_path).images[:, 0] == 2.0 * (ends - VALUES) + 7).all()


def test_hounsfield_units_are_not_inverted(tmp_path: Path) -> None:
    write_series(tmp_path, series(VALUES, PhotometricInterpretation="MONOCHROME1"))
    assert (read_one(tmp_path).images[:, 0] == VALUES).all()


def test_bits_beyond_those_stored_do_not_count(tmp_path: Path) -> None:
    stored = (VALUES - 60) & 0xFFF
    dirty = (stored | 0x5000).astype(np.int16)
    write_series(tmp_path, series(dirty, BitsStored=12, HighBit=11))
    assert (read_one(tmp_path).images[:, 0] == VALUES - 60).all()


def test_frames_of_an_enhanced_image_are_ordered_and_rescaled_each(tmp_path: Path) -> None:
    slopes = [1, 2, 3, 4]
    save(enhanced(VALUES, [2, 0, 3, 1], slopes), tmp_path / "e.dcm")
    volume = read_one(tmp_path)
    assert (volume.images[:, 0] == VALUES * np.reshape(slopes, (4, 1, 1))).all()
    assert volume.spacing == pytest.approx((3, 0.5, 0.5))
    assert volume.remarks == ()


def test_a_compressed_enhanced_image(tmp_path: Path) -> None:
    each = enhanced(VALUES, [2, 0, 3, 1])
    compress(each, RLELossless)
    save(each, tmp_path / "e.dcm")
    assert (read_one(tmp_path).images[:, 0] == VALUES).all()


def test_clips_without_geometry_are_volumes_of_their_own(tmp_path: Path) -> None:
    frames = np.arange(3 * 4 * 5 * 3, dtype=np.uint8).reshape(3, 4, 5, 3)
    save(clip(frames), tmp_path / "one.dcm")
    save(clip(frames[::-1].copy()), tmp_path / "two.dcm")
    one, two = read_all(dicom, tmp_path)
    assert (one.images == np.moveaxis(frames, -1, 1)).all()
    assert (two.images == one.images[::-1]).all()
    assert one.affine is None
    assert any("order of its frames" in remark for remark in one.remarks)
    assert any("do not say where slices lie" in remark for remark in one.remarks)


def test_without_positions_numbers_give_the_order(tmp_path: Path) -> None:
    images = series(VALUES)
    for each in images:
        del each.ImagePositionPatient
    write_series(tmp_path, images[::-1])
    volume = read_one(tmp_path)
    assert (volume.images[:, 0] == VALUES).all()
    assert not volume.oriented
    assert any("in the order of their numbers" in remark for remark in volume.remarks)


@pytest.mark.parametrize(
    ("keyword", "said"), [("AcquisitionTime", "their times"), ("", "their files' names")]
)
def test_without_positions_and_numbers_others_give_the_order(
    tmp_path: Path, keyword: str, said: str
) -> None:
    images = series(VALUES)
    for number, each in enumerate(images):
        del each.ImagePositionPatient
        del each.InstanceNumber
        if keyword:
            setattr(each, keyword, f"1015{number:02d}.5")
    write_series(tmp_path, images[::-1] if keyword else images)
    volume = read_one(tmp_path)
    assert (volume.images[:, 0] == VALUES).all()
    assert any(f"in the order of {said}" in remark for remark in volume.remarks)


def test_positions_give_the_order_even_if_the_distance_of_pixels_is_unknown(tmp_path: Path) -> None:
    images = series(VALUES)
    for number, each in enumerate(images):
        del each.PixelSpacing
        each.InstanceNumber = len(images) - number
    write_series(tmp_path, images[::-1])
    volume = read_one(tmp_path)
    assert (volume.images[:, 0] == VALUES).all()
    assert volume.affine is None
    assert volume.remarks == ("its files do not say how far its pixels are apart",)


def test_series_and_patients_are_told_apart(tmp_path: Path) -> None:
    one = series(VALUES)
    two = series(VALUES + 1, SeriesInstanceUID="1.2.3.4")
    other = series(VALUES + 2, PatientID="P2", SeriesInstanceUID="1.2.3.5")
    mixed = [each for three in zip(one, two, other, strict=True) for each in three]
    write_series(tmp_path, mixed)
    volumes = read_all(dicom, tmp_path)
    assert [volume.images[0, 0, 0, 0] for volume in volumes] == [0, 1, 2]
    assert len({volume.name for volume in volumes}) == 3
    assert volumes[0].patient == volumes[1].patient != volumes[2].patient


def test_what_holds_no_image_is_passed_over(tmp_path: Path) -> None:
    write_series(tmp_path, series(VALUES))
    report = image(VALUES[0], SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11")
    for keyword in ("Rows", "Columns", "PixelData"):
        delattr(report, keyword)
    save(report, tmp_path / "report.dcm")
    (tmp_path / "DICOMDIR").write_bytes(b"not read")
    (tmp_path / "notes").write_text("not DICOM, and not named like it")
    (tmp_path / "readme.txt").write_text("not read")
    found = survey(dicom, tmp_path)
    assert len(found.scans) == 1
    assert found.problems == []
    assert found.remarks == ("DICOM files without an image that were passed over: 1",)


def test_images_of_one_series_and_several_sizes_or_channels(tmp_path: Path) -> None:
    write_series(tmp_path / "small", series(VALUES))
    write_series(tmp_path / "large", series(np.zeros((2, 7, 7), np.int16)))
    shapes = {volume.images.shape: volume.name[-2:] for volume in read_all(dicom, tmp_path)}
    assert shapes == {(2, 1, 7, 7): "-1", (4, 1, 5, 6): "-2"}


def test_a_scan_can_be_sent_to_another_process(tmp_path: Path) -> None:
    write_series(tmp_path, series(VALUES))
    (scan,) = survey(dicom, tmp_path).scans
    again = pickle.loads(pickle.dumps(scan))
    assert again == scan
    assert (dicom.read(tmp_path, again, ReaderOptions()).images[:, 0] == VALUES).all()


def test_threads_that_read_leave_warnings_and_loggers_as_they_were(tmp_path: Path) -> None:
    write_series(tmp_path, series(VALUES))
    (scan,) = survey(dicom, tmp_path).scans
    logger = logging.getLogger("pydicom")
    before = (list(warnings.filters), logger.level, config.settings.reading_validation_mode)
    with ThreadPoolExecutor(8) as pool:
        reading = [pool.submit(dicom.read, tmp_path, scan, ReaderOptions()) for _ in range(40)]
        assert all((each.result().images[:, 0] == VALUES).all() for each in reading)
    after = (list(warnings.filters), logger.level, config.settings.reading_validation_mode)
    assert after == before


def test_modality_of_the_whole_set(tmp_path: Path) -> None:
    write_series(tmp_path / "a", series(VALUES, Modality="MR"))
    assert survey(dicom, tmp_path).modality == "MR"
    write_series(tmp_path / "b", series(VALUES, Modality="CT", SeriesInstanceUID="1.2.3"))
    assert survey(dicom, tmp_path).modality == ""
    write_series(tmp_path / "c", series(VALUES, Modality="ZWIRNHUBER"))
    assert survey(dicom, tmp_path / "c").modality == ""


def test_numbers_of_ct_are_kept_as_they_are(tmp_path: Path) -> None:
    values = np.array([[[-32768, 32767], [0, 1]]], np.int16)
    write_series(tmp_path, series(values, SOPClassUID=CTImageStorage))
    assert (read_one(tmp_path).images[0, 0] == values[0]).all()


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no DICOM images found"):
        survey(dicom, tmp_path)


def test_a_single_file_as_source(tmp_path: Path) -> None:
    file = save(image(VALUES[0], SeriesInstanceUID=generate_uid()), tmp_path / "one.dcm")
    (volume,) = read_all(dicom, file)
    assert (volume.images[0, 0] == VALUES[0]).all()

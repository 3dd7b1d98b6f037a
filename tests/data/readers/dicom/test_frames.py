from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels import apply_color_lut, apply_modality_lut
from pydicom.uid import JPEG2000Lossless, JPEGLosslessSV1, JPEGLSLossless, RLELossless

from medsynth.data.readers.dicom import frames, intensities
from medsynth.data.readers.dicom.codecs import stated_size
from medsynth.data.readers.dicom.opening import opened
from medsynth.data.readers.dicom.quiet import quiet
from medsynth.data.readers.dicom.scan import KEYWORDS
from medsynth.errors import DataError
from tests.data.dicom_files import compress, image, item, save

SAME_AS_PYDICOM = [
    "693_J2KI.dcm", "CT_small.dcm", "ExplVR_BigEnd.dcm", "GDCMJ2K_TextGBR.dcm",
    "J2K_pixelrep_mismatch.dcm", "JPEG2000.dcm", "JPEGLSNearLossless_08.dcm",
    "JPEGLSNearLossless_16.dcm", "MR_small.dcm", "MR_small_RLE.dcm", "MR_small_bigendian.dcm",
    "MR_small_expb.dcm", "MR_small_implicit.dcm", "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm", "MR_small_padded.dcm", "SC_jpeg_no_color_transform.dcm",
    "SC_jpeg_no_color_transform_2.dcm", "SC_rgb_dcmtk_+eb+cr.dcm", "SC_rgb_dcmtk_+eb+cy+n1.dcm",
    "SC_rgb_dcmtk_+eb+cy+n2.dcm", "SC_rgb_dcmtk_+eb+cy+np.dcm", "SC_rgb_dcmtk_+eb+cy+s2.dcm",
    "SC_rgb_dcmtk_+eb+cy+s4.dcm", "SC_rgb_gdcm_KY.dcm", "SC_rgb_jls_lossy_line.dcm",
    "SC_rgb_jls_lossy_sample.dcm", "SC_rgb_jpeg.dcm", "SC_rgb_jpeg_app14_dcmd.dcm",
    "SC_rgb_jpeg_dcmd.dcm", "SC_rgb_jpeg_dcmtk.dcm", "SC_rgb_jpeg_gdcm.dcm",
    "SC_rgb_jpeg_lossy_gdcm.dcm", "SC_rgb_rle.dcm", "SC_rgb_rle_16bit.dcm",
    "SC_rgb_rle_16bit_2frame.dcm", "SC_rgb_rle_2frame.dcm", "SC_rgb_rle_32bit.dcm",
    "SC_rgb_rle_32bit_2frame.dcm", "SC_rgb_small_odd.dcm", "SC_rgb_small_odd_big_endian.dcm",
    "SC_rgb_small_odd_jpeg.dcm", "SC_ybr_full_422_uncompressed.dcm", "examples_jpeg2k.dcm",
    "examples_overlay.dcm", "examples_rgb_color.dcm", "examples_ybr_color.dcm", "image_dfl.dcm",
    "liver_1frame.dcm", "liver_expb_1frame.dcm", "rtdose.dcm", "rtdose_1frame.dcm",
    "rtdose_expb.dcm", "rtdose_expb_1frame.dcm", "rtdose_rle.dcm", "rtdose_rle_1frame.dcm",
]  # fmt: skip
"""Scanners' and other programs' files in pydicom's wheel that pydicom can decode."""

VALUES = np.arange(-30, 30, dtype=np.int16).reshape(6, 10)


def real(name: str) -> Path:
    path = get_testdata_file(name, download=False)
    assert path is not None, f"pydicom's wheel has no {name}"
    return Path(str(path))


def stored(file: Path) -> NDArray[Any]:
    """All frames of a file (frames, channels, rows, columns), by the reader's own code."""
    with quiet():
        dataset = opened(file, file, KEYWORDS, pixels=True)
        count = int(dataset.get("NumberOfFrames") or 1)
        return np.stack([each for _, each in frames.decoded(dataset, file, range(count))])


def rescaled(file: Path) -> NDArray[np.float32]:
    with quiet():
        dataset = opened(file, file, KEYWORDS, pixels=True)
        ((_, values),) = intensities.intensities(dataset, file, [0])
    return values


@pytest.mark.parametrize("name", SAME_AS_PYDICOM)
def test_real_files_as_pydicom_decodes_them(name: str) -> None:
    dataset = dcmread(real(name))
    with quiet():
        expected = dataset.pixel_array
    if int(dataset.get("NumberOfFrames") or 1) == 1:
        expected = expected[None]
    expected = expected[:, None] if expected.ndim == 3 else np.moveaxis(expected, -1, 1)
    found = stored(real(name))
    assert found.shape == expected.shape
    # Decoders of lossy JPEG may round differently.
    lossy = dataset.file_meta.TransferSyntaxUID.keyword == "JPEGBaseline8Bit"
    assert np.abs(found.astype(float) - expected).max() <= (2 if lossy else 0)


@pytest.mark.parametrize("name", ["JPGExtended.dcm", "JPEG-lossy.dcm"])
def test_jpeg_of_12_bits_as_itk_decodes_it(name: str) -> None:
    expected = sitk.GetArrayFromImage(sitk.ReadImage(str(real(name))))
    found = stored(real(name))
    assert found.max() > 255
    assert (found[:, 0] == expected).all()


def test_a_palette_becomes_colours() -> None:
    dataset = dcmread(real("examples_palette.dcm"))
    expected = apply_color_lut(dataset.pixel_array, dataset)
    found = stored(real("examples_palette.dcm"))
    assert found.shape == (1, 3, 350, 800)
    assert (found[0] == np.moveaxis(expected, -1, 0)).all()
    with quiet():
        dataset = opened(real("examples_palette.dcm"), Path("x"), KEYWORDS, pixels=True)
        ((_, indexes),) = frames.decoded(dataset, Path("x"), [0], colours=False)
    assert (indexes[0] == dataset.pixel_array).all()


def test_hounsfield_units_of_a_real_scan() -> None:
    dataset = dcmread(real("CT_small.dcm"))
    expected = apply_modality_lut(dataset.pixel_array, dataset)
    assert (rescaled(real("CT_small.dcm"))[0] == expected).all()


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless, JPEGLosslessSV1])
@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.uint8])
def test_lossless_syntaxes_of_every_kind_of_number(
    tmp_path: Path, syntax: str, dtype: type
) -> None:
    values = VALUES.astype(dtype)
    dataset = compress(image(values), syntax)
    assert (stored(save(dataset, tmp_path / "x.dcm"))[0, 0] == values).all()


def test_frames_of_single_bits_that_begin_within_a_byte(tmp_path: Path) -> None:
    frames = np.arange(5 * 3 * 5).reshape(5, 3, 5) % 3 == 0
    dataset = image(
        frames.astype(np.uint8),
        NumberOfFrames=5, BitsAllocated=1, BitsStored=1, HighBit=0,
        PixelData=np.packbits(frames, bitorder="little").tobytes(),
    )  # fmt: skip
    assert (stored(save(dataset, tmp_path / "x.dcm"))[:, 0] == frames).all()


def test_a_table_of_values(tmp_path: Path) -> None:
    table = item(LUTDescriptor=[4, 0, 16], ModalityLUTType="US", LUTData=[0, 10, 100, 1000])
    table["LUTData"].VR = "US"
    table["LUTDescriptor"].VR = "US"
    values = np.array([[0, 1, 2, 3]], np.uint8)
    dataset = image(values, Modality="CR", ModalityLUTSequence=[table])
    assert rescaled(save(dataset, tmp_path / "x.dcm")).tolist() == [[[0, 10, 100, 1000]]]


def test_monochrome_1_with_a_table_is_inverted_behind_it(tmp_path: Path) -> None:
    table = item(LUTDescriptor=[4, 0, 16], ModalityLUTType="US", LUTData=[0, 10, 100, 1000])
    table["LUTData"].VR = table["LUTDescriptor"].VR = "US"
    dataset = image(
        np.array([[0, 1, 2, 3]], np.uint8),
        Modality="CR", ModalityLUTSequence=[table], PhotometricInterpretation="MONOCHROME1",
    )  # fmt: skip
    found = rescaled(save(dataset, tmp_path / "x.dcm"))
    assert found.tolist() == [[[65535, 65525, 65435, 64535]]]


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"PixelPaddingValue": -2000}, [-1024, -24, 76, 476]),
        ({"PixelPaddingValue": 63536}, [-1024, -24, 76, 476]),
        ({"PixelPaddingValue": -2000, "PixelPaddingRangeLimit": 1000}, [-1024, -1024, 76, 476]),
        ({"PixelPaddingValue": -2000, "Modality": "MR"}, [-24, -24, 76, 476]),
        ({"PixelPaddingValue": -1999}, [-3024, -24, 76, 476]),
        (
            {
                "PixelPaddingValue": 1500,
                "Modality": "MG",
                "PhotometricInterpretation": "MONOCHROME1",
            },
            [975, -2025, -2125, -2125],
        ),
    ],
)
def test_padding_is_no_measurement(
    tmp_path: Path, elements: dict[str, Any], expected: list[float]
) -> None:
    scale = {"RescaleSlope": "1", "RescaleIntercept": "-1024"}
    values = np.array([[-2000, 1000, 1100, 1500]], np.int16)
    dataset = image(values, **scale, **elements)
    dataset["PixelPaddingValue"].VR = "US" if dataset.PixelPaddingValue > 32767 else "SS"
    if "PixelPaddingRangeLimit" in dataset:
        dataset["PixelPaddingRangeLimit"].VR = "SS"
    assert rescaled(save(dataset, tmp_path / "x.dcm"))[0, 0].tolist() == expected


def test_floating_point_pixels(tmp_path: Path) -> None:
    values = np.linspace(-1, 1, 60, dtype=np.float32).reshape(6, 10)
    dataset = image(values, Modality="MR")
    del dataset.PixelData
    dataset.FloatPixelData = values.tobytes()
    assert (rescaled(save(dataset, tmp_path / "x.dcm"))[0] == values).all()


def test_a_slope_that_is_no_number(tmp_path: Path) -> None:
    file = save(image(VALUES, RescaleSlope="1.00001", Modality="MR"), tmp_path / "x.dcm")
    file.write_bytes(file.read_bytes().replace(b"1.00001 ", b"one.one "))
    with pytest.raises(DataError, match="cannot be rescaled"):
        rescaled(file)


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless])
def test_a_codestream_of_another_size_is_not_decoded(tmp_path: Path, syntax: str) -> None:
    dataset = compress(image(VALUES), syntax)
    dataset.Rows = 5
    file = save(dataset, tmp_path / "x.dcm")
    with pytest.raises(DataError, match="of another size than it says"):
        stored(file)


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless, JPEGLosslessSV1])
def test_a_codestream_that_is_cut_short_is_not_decoded(tmp_path: Path, syntax: str) -> None:
    dataset = compress(image(np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)), syntax)
    (source,) = generate_frames(dataset.PixelData, number_of_frames=1)
    dataset.PixelData = encapsulate([source[: len(source) // 2]])
    with pytest.raises(DataError, match=r"are cut short|cannot be decoded"):
        stored(save(dataset, tmp_path / "x.dcm"))


@pytest.mark.parametrize("name", ["JPGExtended.dcm", "SC_rgb_jpeg_dcmtk.dcm"])
def test_a_real_codestream_that_is_cut_short_is_not_decoded(tmp_path: Path, name: str) -> None:
    dataset = dcmread(real(name))
    (source,) = generate_frames(dataset.PixelData, number_of_frames=1)
    dataset.PixelData = encapsulate([source[: len(source) // 2]])
    dataset.save_as(tmp_path / "x.dcm")
    with pytest.raises(DataError, match="are cut short"):
        stored(tmp_path / "x.dcm")


def test_bits_in_the_upper_ones_are_refused(tmp_path: Path) -> None:
    dataset = image(VALUES << 4, BitsStored=12, HighBit=15)
    with pytest.raises(DataError, match=r"12 bits end with bit 15 \(HighBit\), expected 11"):
        stored(save(dataset, tmp_path / "x.dcm"))


def test_too_little_of_rle_is_not_decoded(tmp_path: Path) -> None:
    dataset = compress(image(VALUES), RLELossless)
    dataset.Rows = dataset.Columns = 16000
    file = save(dataset, tmp_path / "x.dcm")
    with pytest.raises(DataError, match="too few for the size"):
        stored(file)


def test_sizes_in_codestreams() -> None:
    for syntax in (JPEG2000Lossless, JPEGLSLossless):
        source = compress(image(VALUES), syntax).PixelData
        start = source.index(b"\xff\x4f" if syntax == JPEG2000Lossless else b"\xff\xd8")
        assert stated_size(source[start:]) == (6, 10, 1)
    assert stated_size(b"") is None
    assert stated_size(b"\xff\xd8\xff\xd9") is None
    assert stated_size(b"\xff\xd8" + b"\xff" * 50) is None
    assert stated_size(b"\xff\xd8\xff\xc0\0\x0b\x08\xff\xff\xff\xff\x01") == (65535, 65535, 1)


def test_an_unknown_transfer_syntax_is_not_repeated(tmp_path: Path) -> None:
    dataset = image(VALUES)
    dataset.file_meta.TransferSyntaxUID = "1.2.3.4.5.6"
    dataset["PixelData"].is_undefined_length = True
    dataset.PixelData = b"\xfe\xff\x00\xe0" + b"\0" * 4
    file = tmp_path / "x.dcm"
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.save_as(file, enforce_file_format=True, implicit_vr=False, little_endian=True)
    with pytest.raises(
        DataError, match="of an unknown transfer syntax, cannot be decoded"
    ) as caught:
        stored(file)
    assert "1.2.3.4.5.6" not in str(caught.value)

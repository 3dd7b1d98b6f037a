from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.pixels import apply_color_lut
from pydicom.uid import RLELossless

from medsynth.data.readers.dicom import frames
from medsynth.data.readers.dicom.opening import opened
from medsynth.data.readers.dicom.quiet import quiet
from medsynth.data.readers.dicom.scan import KEYWORDS
from medsynth.errors import DataError
from tests.data.dicom_files import compress, image, save
from tests.data.readers.dicom.decoding import real, stored

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


def test_frames_of_single_bits_that_begin_within_a_byte(tmp_path: Path) -> None:
    frames = np.arange(5 * 3 * 5).reshape(5, 3, 5) % 3 == 0
    dataset = image(
        frames.astype(np.uint8),
        NumberOfFrames=5, BitsAllocated=1, BitsStored=1, HighBit=0,
        PixelData=np.packbits(frames, bitorder="little").tobytes(),
    )  # fmt: skip
    assert (stored(save(dataset, tmp_path / "x.dcm"))[:, 0] == frames).all()


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

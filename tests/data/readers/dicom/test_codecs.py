from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from pydicom import dcmread
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import JPEG2000Lossless, JPEGLosslessSV1, JPEGLSLossless, RLELossless

from medsynth.data.readers.dicom.codecs import stated_size
from medsynth.errors import DataError
from tests.data.dicom_files import compress, image, save
from tests.data.readers.dicom.decoding import real, stored

VALUES = np.arange(-30, 30, dtype=np.int16).reshape(6, 10)


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


def test_sizes_in_codestreams() -> None:
    for syntax in (JPEG2000Lossless, JPEGLSLossless):
        source = compress(image(VALUES), syntax).PixelData
        start = source.index(b"\xff\x4f" if syntax == JPEG2000Lossless else b"\xff\xd8")
        assert stated_size(source[start:]) == (6, 10, 1)
    assert stated_size(b"") is None
    assert stated_size(b"\xff\xd8\xff\xd9") is None
    assert stated_size(b"\xff\xd8" + b"\xff" * 50) is None
    assert stated_size(b"\xff\xd8\xff\xc0\0\x0b\x08\xff\xff\xff\xff\x01") == (65535, 65535, 1)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless, JPEGLosslessSV1])
@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.uint8])
def test_lossless_syntaxes_of_every_kind_of_number(
    tmp_path: Path, syntax: str, dtype: type
) -> None:
    values = VALUES.astype(dtype)
    dataset = compress(image(values), syntax)
    assert (stored(save(dataset, tmp_path / "x.dcm"))[0, 0] == values).all()


@pytest.mark.parametrize("name", ["JPGExtended.dcm", "JPEG-lossy.dcm"])
def test_jpeg_of_12_bits_as_itk_decodes_it(name: str) -> None:
    expected = sitk.GetArrayFromImage(sitk.ReadImage(str(real(name))))
    found = stored(real(name))
    assert found.max() > 255
    assert (found[:, 0] == expected).all()

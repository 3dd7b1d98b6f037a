from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.pixels import apply_modality_lut

from medsynth.errors import DataError
from tests.data.dicom_files import image, item, save
from tests.data.readers.dicom.decoding import real, rescaled

VALUES = np.arange(-30, 30, dtype=np.int16).reshape(6, 10)


def test_hounsfield_units_of_a_real_scan() -> None:
    dataset = dcmread(real("CT_small.dcm"))
    expected = apply_modality_lut(dataset.pixel_array, dataset)
    assert (rescaled(real("CT_small.dcm"))[0] == expected).all()


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

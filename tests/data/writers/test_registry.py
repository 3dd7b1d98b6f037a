from __future__ import annotations

import subprocess
import sys

import pytest

from medsynth.data.writers import FORMATS, Form, SetDescription, check_format, get_format
from medsynth.data.writers.interface import SHARD
from medsynth.errors import InvalidArgumentError
from tests.data.writers.samples import describe

GREY = Form(1, 8, 8, 8, True)


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_holds_grey_images_with_masks(format: str) -> None:
    for bits in (8, 16):
        check_format(format, Form(1, 8, 8, bits, True), describe())
    assert get_format(format).kinds(describe())
    assert SHARD % get_format(format).CHUNK == 0


@pytest.mark.parametrize(
    ("format", "form", "others"),
    [
        ("png", Form(2, 8, 8, 8, True), "npz or nifti or nnunet: a PNG holds 1 or 3"),
        ("png", Form(3, 8, 8, 16, True), "npz or nifti or nnunet: a PNG"),
        ("webdataset", Form(3, 8, 8, 16, True), "npz or nifti or nnunet: a PNG"),
        ("coco", Form(4, 8, 8, 8, False), "npz or nifti: a PNG"),
        ("dicom", Form(2, 8, 8, 8, True), "npz or nifti or nnunet: a DICOM image has 1 or 3"),
        ("dicom", Form(3, 8, 8, 16, True), "npz or nifti or nnunet: a DICOM image of three"),
        ("nnunet", Form(1, 8, 8, 8, False), "needs masks"),
    ],
)
def test_what_a_format_cannot_hold(format: str, form: Form, others: str) -> None:
    with pytest.raises(InvalidArgumentError, match=others) as caught:
        check_format(format, form, field="specification.format")
    assert caught.value.violations[0].field == "specification.format"


def test_what_the_description_forbids() -> None:
    for classes in (["background"], ["x", "background"]):
        with pytest.raises(InvalidArgumentError, match="background"):
            check_format("nnunet", GREY, describe(classes=classes))
    with pytest.raises(InvalidArgumentError, match="called ignore"):
        check_format("nnunet", GREY, describe(classes=["a", "ignore", "b"]))
    check_format("nnunet", GREY, describe(classes=["a", "b", "ignore"]))
    for format in ("dicom", "coco"):
        lonely = describe(classes=["background"])
        with pytest.raises(InvalidArgumentError, match="png or npz or nifti or webdataset: its"):
            check_format(format, GREY, lonely)
        check_format(format, Form(1, 8, 8, 8, False), lonely)
    colour = describe(units="HU", intensities=[[0, 1]] * 3)
    with pytest.raises(InvalidArgumentError, match="have no HU"):
        check_format("dicom", Form(3, 8, 8, 8, True), colour)
    with pytest.raises(InvalidArgumentError, match=r"description\.intensities"):
        check_format("npz", GREY, SetDescription(intensities=((0.0, 1.0), (0.0, 1.0))))


def test_another_format() -> None:
    with pytest.raises(InvalidArgumentError, match="png, npz"):
        get_format("jpg")


def test_requests_are_checked_without_image_libraries() -> None:
    code = (
        "import sys\n"
        "from medsynth.data.writers import FORMATS, Form, check_format\n"
        "for name in FORMATS: check_format(name, Form(1, 8, 8, 8, True))\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    libraries = {"PIL", "nibabel", "pydicom", "highdicom", "pycocotools", "mlcroissant", "scipy"}
    assert not set(done.stdout.split()) & libraries

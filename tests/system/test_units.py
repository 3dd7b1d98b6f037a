"""CT in Hounsfield units goes in, and comes out of a drawn set: 16 bits all the way."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from medsynth.data.sample_folder import read_sample_folder
from tests.data.readers.volume_writing import SHAPE, write
from tests.system.conftest import Stack

LOW, HIGH = -1000, 1000
PREPARED = (
    "--size", "32", "--bits", "16", "--foreground-share", "0.75",
    "--intensity", "window", "--intensity-low", str(LOW), "--intensity-high", str(HIGH),
)  # fmt: skip


@pytest.fixture(scope="module")
def generator(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A generator that was trained for a moment on livers in the layout of SLiver07."""
    folder = tmp_path_factory.mktemp("sliver07")
    rows, columns = np.mgrid[: SHAPE[1], : SHAPE[2]]
    for patient in range(6):
        random = np.random.default_rng(patient)
        body = -900 + 70 * rows + random.normal(0, 5, SHAPE)
        liver = np.zeros(SHAPE, np.uint8)
        liver[1] = np.hypot(rows - 10, columns - 9 - patient) < 6
        write(folder / f"liver-orig{patient + 1:03}.mhd", body.astype(np.int16))
        write(folder / f"liver-seg{patient + 1:03}.mhd", liver)
    small = ("generator_filters=8", "discriminator_filters=8", "latent_dim=8", "batch_size=8")
    done = stack.json(
        "train", "--data", str(folder), "--gan", "hinge", "--images", "160", *PREPARED,
        *(word for setting in small for word in ("--set", setting)),
    )  # fmt: skip
    return str(done["generator"])


def test_a_drawn_set_is_in_units_again(stack: Stack, generator: str) -> None:
    shown = stack.json("generators", "show", generator)
    assert shown["bits"] == 16
    assert shown["source"]["preparation"]["foreground_share"] == 0.75
    folder = Path(
        stack.json("draw", generator, "--count", "6", "--format", "nifti")["uri"].removeprefix(
            "file://"
        )
    )
    images = [nibabel.load(file) for file in sorted((folder / "images").iterdir())]
    assert len(images) == 6
    for image in images:
        assert image.get_data_dtype() == np.uint16
        assert image.dataobj.slope == pytest.approx((HIGH - LOW) / 65535)
        values = image.get_fdata()
        assert LOW <= values.min() < values.max() <= HIGH
        assert len(np.unique(values)) > 256
    raw = [np.asarray(image.dataobj.get_unscaled()) for image in images]
    again = folder_of(stack, generator, folder.parent / "again")
    np.testing.assert_array_equal(np.stack(raw).squeeze(-1).transpose(0, 2, 1), again)


def folder_of(stack: Stack, generator: str, folder: Path) -> np.ndarray:
    """The same images, sampled into a folder of this machine."""
    stack.run("sample", generator, "--count", "6", "--out", str(folder))
    images, masks = read_sample_folder(folder)
    assert (images.dtype, images.shape) == (np.uint16, (6, 1, 32, 32))
    assert masks is not None
    return np.asarray(images[:, 0])


def test_it_is_scored_against_images_of_16_bits(stack: Stack, generator: str) -> None:
    asked = ("--count", "16", "--metrics", "dice,unet-fd", "--unet-steps", "5")
    scores = stack.json("evaluate", generator, *asked)["report"]["scores"]
    assert {score["metric"] for score in scores if "value" in score} == {"dice", "unet-fd"}


def test_images_of_other_bits_are_not_scored(stack: Stack, generator: str, tmp_path: Path) -> None:
    stack.run("sample", generator, "--count", "6", "--out", str(tmp_path / "drawn"))
    source = stack.json("generators", "show", generator)["source"]["uri"]
    eight = [word if word != "16" else "8" for word in PREPARED]
    failed = stack.json(
        "evaluate", str(tmp_path / "drawn"), "--data", source, *eight, "--count", "6", code=3
    )
    assert "images of 16 bits, but the real ones have 8" in json.dumps(failed)

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsynth.data.readers.folder_paths import (
    mask_name,
    names_of,
    official_part,
    says_masks,
    take_apart,
)
from medsynth.data.readers.interface import TESTING, TRAINING


@pytest.mark.parametrize(
    ("path", "holds", "part", "rest"),
    [
        ("a.png", "", "", ()),
        ("images/a.png", "image", "", ()),
        ("x/Train_Images/benign/a.png", "image", "train", ("x", "benign")),
        ("test/Ground Truth/a.png", "mask", "test", ()),
        ("masks/images/a.png", "image", "", ()),
        ("images2/a.png", "", "", ("images2",)),
    ],
)
def test_folders(path: str, holds: str, part: str, rest: tuple[str, ...]) -> None:
    file = take_apart(path)
    assert (file.holds, file.part, file.rest, file.stem) == (holds, part, rest, "a")


@pytest.mark.parametrize(
    "folder", ["masks", "GT", "Ground Truth", "train_labels", "my_masks", "Part1_GroundTruth"]
)
def test_folders_of_masks(folder: str) -> None:
    assert says_masks(folder)


@pytest.mark.parametrize("folder", ["", "Original", "images", "unmask", "maskless", "train"])
def test_other_folders(folder: str) -> None:
    assert not says_masks(folder)


def test_names_of_masks() -> None:
    for stem, expected in (
        ("a_mask", ("a", "mask", "")),
        ("a b_Segmentation", ("a b", "segmentation", "")),
        ("a_mask_2", ("a", "mask", "2")),
        ("a_seg_mask", ("a_seg", "mask", "")),
        ("1_2ndHO", ("1", "2ndho", "")),
    ):
        said = mask_name(stem)
        assert said is not None
        assert (said.image, said.kind, said.number) == expected
    assert mask_name("mask") is mask_name("_mask") is mask_name("a_masks") is None


STEMS = st.sampled_from(["a", "a.png", "a.png.png", "b", "x/a", "y/a"])


@given(st.sets(st.builds(str.__add__, STEMS, st.sampled_from([".png", ".jpg", ".tif"]))))
def test_names_are_unique(paths: set[str]) -> None:
    names = [name for name, _ in names_of([take_apart(path) for path in sorted(paths)])]
    assert len(set(names)) == len(paths)


def test_official_parts() -> None:
    assert [official_part(word) for word in ("", "train", "val", "testing")] == [
        "", TRAINING, TRAINING, TESTING,
    ]  # fmt: skip

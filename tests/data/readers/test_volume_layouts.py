from __future__ import annotations

import pytest

from medsynth.data.readers.interface import TESTING, TRAINING
from medsynth.data.readers.volume_layouts import find_pairs

PAIRED = {
    "beside": ["case01.nii.gz", "case01_seg.nii.gz"],
    "beside, other sign": ["case01.nii.gz", "case01-label.mha"],
    "beside, in words": ["Case 01.nrrd", "Case 01 ground truth.nrrd"],
    "both by their names": ["case01_image.nii", "case01_mask.nii"],
    "words in front": ["img0001.nii.gz", "label0001.nii.gz"],
    "words and numbers": ["volume-0.nii", "segmentation-0.nii"],
    "in the middle": ["liver-orig001.mha", "liver-seg001.mha"],
    "parallel folders": ["images/case01.nii.gz", "labels/case01.nii.gz"],
    "parallel folders and names": ["images/case01.nii.gz", "masks/case01_gt.nii.gz"],
    "parallel folders in parts": ["train/images/a.nii", "train/annotations/a.nii"],
    "folders as of nnU-Net": ["imagesTr/case_1.mha", "labelsTr/case_1.mha"],
    "folders of several words": ["liver_segmentation_images/1.nii", "liver_segmentation_gts/1.nii"],
    "a folder of a patient": ["p1/image.nii.gz", "p1/label.nii.gz"],
    "only one of a folder": ["p1/ct.nii.gz", "p1/mask.nii.gz"],
    "begins alike": ["p1/p1_flair.nii.gz", "p1/p1_seg.nii.gz"],
    "images by another word": ["ct/1.nii", "label/1.nii"],
    "masks below images": ["p1/t1.nii", "p1/masks/t1.nii"],
    "Unicode": ["Übergröße ß\n1.nii", "Übergröße ß\n1_Seg.nii"],
    "other formats": ["a.nii.gz", "a_seg.nrrd"],
}


@pytest.mark.parametrize("layout", PAIRED)
def test_an_image_finds_its_mask(layout: str) -> None:
    others = ["z/zz.nii", "z/zz_seg.nii"]
    image, mask = PAIRED[layout]
    pairs, problems = find_pairs([image, mask, *others])
    assert problems == []
    assert [(pair.image, pair.mask) for pair in pairs] == [(image, mask), (others[0], others[1])]


def test_two_volumes_alone_are_a_pair_too() -> None:
    pairs, problems = find_pairs(["case01.nii.gz", "case01_seg.nii.gz"])
    assert [(pair.image, pair.mask) for pair in pairs] == [("case01.nii.gz", "case01_seg.nii.gz")]
    assert problems == []


def test_a_word_in_all_names_says_nothing() -> None:
    pairs, problems = find_pairs(
        ["images/roi_1.nii", "images/roi_2.nii", "labels/roi_1.nii", "labels/roi_2.nii"]
    )
    assert [pair.mask for pair in pairs] == ["labels/roi_1.nii", "labels/roi_2.nii"]
    assert problems == []


@pytest.mark.parametrize(
    "paths",
    [
        ["a.nii", "b.nii"],
        ["a_seg.nii", "b_seg.nii"],
        ["labels/a.nii", "labels/b.nii"],
        ["roi_1.nii"],
        ["gt1/a.nii", "gt2/b.nii"],
    ],
)
def test_where_all_would_be_masks_all_are_images(paths: list[str]) -> None:
    pairs, problems = find_pairs(paths)
    assert [pair.image for pair in pairs] == paths
    assert not any(pair.mask for pair in pairs)
    assert problems == []


@pytest.mark.parametrize(
    ("paths", "wrong"),
    [
        (["a.nii", "b.nii", "b_seg.nii"], {"a.nii"}),
        (["a.nii", "a_seg.nii", "c_seg.nii"], {"c_seg.nii"}),
        (["5.nii", "7_seg.nii"], {"5.nii", "7_seg.nii"}),
        (["a/1.nii", "b/1_seg.nii"], {"a/1.nii", "b/1_seg.nii"}),
        (["a.nii", "a_seg.nii", "a_mask.nii"], {"a.nii", "a_seg.nii", "a_mask.nii"}),
        (["a.nii", "a.mha", "a_seg.nii"], {"a.nii", "a.mha", "a_seg.nii"}),
        (
            ["p/p_t1.nii", "p/p_t2.nii", "p/p_seg.nii"],
            {"p/p_t1.nii", "p/p_t2.nii", "p/p_seg.nii"},
        ),
    ],
)
def test_what_belongs_to_nothing_is_a_problem(paths: list[str], wrong: set[str]) -> None:
    pairs, problems = find_pairs([*paths, "z.nii", "z_seg.nii"])
    assert {problem.file for problem in problems} == wrong
    assert len(problems) == len(wrong)
    assert not wrong & {path for pair in pairs for path in (pair.image, pair.mask)}


def test_folders_that_may_be_a_patients() -> None:
    pairs, _ = find_pairs(
        ["top/train/p1/v0/a.nii", "top/images/p1/v0/a.nii", "top/test scans/p2/b.nii", "top/c.nii"]
    )
    assert [pair.folders for pair in pairs] == [("p1", "v0"), ("p1", "v0"), ("p2",), ()]


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("train/a.nii", TRAINING),
        ("validation/a.nii", TRAINING),
        ("imagesTr/a.nii", TRAINING),
        ("imagesTs/a.nii", TESTING),
        ("test-scans/scan/a.nii", TESTING),
        ("Testing/p1/images/a.nii", TESTING),
        ("train/p1/test/a.nii", TESTING),
        ("test retest study/a.nii", ""),
        ("p1/a.nii", ""),
        ("test.nii", ""),
    ],
)
def test_folders_say_which_part_of_a_split_it_is(path: str, part: str) -> None:
    pairs, _ = find_pairs([path, "z/zz.nii"])
    assert {pair.image: pair.part for pair in pairs} == {path: part, "z/zz.nii": ""}


def test_names_are_unique_and_short() -> None:
    pairs, _ = find_pairs(
        ["images/a.nii", "labels/a.nii", "p1/image.nii", "p1/label.nii", "x/b.nii", "x/b.mha"]
    )
    assert [pair.name for pair in pairs] == ["a", "p1"]
    names = [pair.name for pair in find_pairs(["x/b.nii", "x/b.mha", "y/b.nii"])[0]]
    assert names == ["x/b.nii", "x/b.mha", "y/b"]
    assert find_pairs([]) == ([], [])

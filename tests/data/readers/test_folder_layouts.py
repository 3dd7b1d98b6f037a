from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from medsynth.data.readers.folder_layouts import find_layout

WORDS = st.sampled_from(
    ["images", "masks", "train", "test_masks", "A", "trainB", "benign", "gt", "x", "x_mask", "\n",
     "1.png"]
)  # fmt: skip
STEMS = st.sampled_from(
    ["1", "2", "1.png", "1_mask", "1_mask_1", "1_1stHO", "1_2ndHO", "2_seg", "_mask"]
)
PATHS = st.builds(
    lambda folders, stem, end: "/".join([*folders, stem + end]),
    st.lists(WORDS, max_size=3), STEMS, st.sampled_from([".png", ".jpg", ".TIF", ".txt"]),
)  # fmt: skip


@given(st.sets(PATHS, max_size=25))
def test_any_tree_has_a_layout(paths: set[str]) -> None:
    layout = find_layout(sorted(paths))
    images = [path for entry in layout.entries for path in entry.images]
    masks = [path for entry in layout.entries for path in entry.masks]
    bad = [problem.file for problem in layout.problems]
    used = [*images, *masks, *bad, *layout.left_out]
    assert set(used) <= paths
    assert len({*images, *bad, *layout.left_out}) == len(images) + len(bad) + len(layout.left_out)
    assert not {*images, *bad, *layout.left_out} & {*masks}
    assert len({entry.name for entry in layout.entries}) == len(layout.entries)
    assert len({bool(entry.masks) for entry in layout.entries}) <= 1
    reasons = "".join(problem.reason for problem in layout.problems)
    forgotten = [path for path in paths - {*used} if not path.endswith(".txt")]
    assert all("2ndHO" in path or path in reasons for path in forgotten)
    said = f"{len(layout.left_out)} files, such as"
    assert bool(layout.left_out) == any(said in remark for remark in layout.remarks)


@given(st.sets(PATHS, max_size=12))
def test_entries_are_in_the_order_of_their_paths(paths: set[str]) -> None:
    entries = find_layout(sorted(paths)).entries
    assert [entry.images[0] for entry in entries] == sorted(entry.images[0] for entry in entries)


def test_names_that_are_the_path_of_another() -> None:
    entries = find_layout(["a.jpg", "a.png", "a.png.png"]).entries
    assert [(entry.name, entry.own) for entry in entries] == [
        ("a.jpg", "a"), ("a.png", "a"), ("a.png.png", "a.png"),
    ]  # fmt: skip


def test_several_masks_of_an_image_may_be_meant() -> None:
    layout = find_layout(["images/1.png", "images/1_mask.png", "masks/1.png"])
    (problem,) = layout.problems
    assert problem.file == "images/1.png"
    assert "masks/1.png" in problem.reason


def test_masks_that_are_beside_their_images_in_two_formats() -> None:
    paths = ["PNG/Ground Truth/1.png", "PNG/Original/1.png"]
    paths += ["TIF/Ground Truth/1.tif", "TIF/Original/1.tif"]
    layout = find_layout(sorted(paths))
    assert [(entry.images, entry.masks) for entry in layout.entries] == [
        ((paths[1],), (paths[0],)),
        ((paths[3],), (paths[2],)),
    ]
    assert [entry.own for entry in layout.entries] == ["PNG/Original/1", "TIF/Original/1"]

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from medsynth.data.files import open_files
from medsynth.data.readers.interface import ReaderOptions
from medsynth.data.readers.mask_files import (
    SAMPLE,
    MaskRule,
    class_names,
    mask_rule,
    no_masks,
    read_mask_file,
)
from medsynth.errors import DataError, InvalidArgumentError
from tests.data.readers.image_folders import disc, save


def rule_of(folder: Path, options: ReaderOptions | None = None) -> MaskRule:
    files = open_files(str(folder))
    return mask_rule(files, files.paths, options or ReaderOptions())[0]


def remarks_of(folder: Path) -> tuple[str, ...]:
    files = open_files(str(folder))
    return mask_rule(files, files.paths, ReaderOptions())[1]


@pytest.mark.parametrize(
    ("masks", "values"),
    [
        ([[1], []], (0, 1)),
        ([[255], []], (0, 255)),
        ([[7], [7]], (0, 7)),
        ([[1, 2], [1]], (0, 1, 2)),
        ([[1, 4], [2]], (0, 1, 2, 3, 4)),
        ([[], []], (0, 1)),
    ],
)
def test_the_rule_is_found(tmp_path: Path, masks: list[list[int]], values: tuple[int, ...]) -> None:
    for k, own in enumerate(masks):
        save(tmp_path / f"{k}.png", disc(*own))
    assert rule_of(tmp_path) == MaskRule(values)
    for k, own in enumerate(masks):
        labels = read_mask_file(tmp_path / f"{k}.png", MaskRule(values))
        assert (labels == disc(*(values.index(value) for value in own))).all()


def test_masks_without_any_background(tmp_path: Path) -> None:
    save(tmp_path / "a.png", np.full((4, 5), 255, np.uint8))
    assert rule_of(tmp_path) == MaskRule((0, 255))
    assert (read_mask_file(tmp_path / "a.png", MaskRule((0, 255))) == 1).all()


@pytest.mark.parametrize("values", [(128, 255), (1, 255), (10, 20, 30), tuple(range(1, 100))])
def test_values_that_mean_nothing_known(tmp_path: Path, values: tuple[int, ...]) -> None:
    save(tmp_path / "a.png", np.array([[0, *values]], np.uint8))
    with pytest.raises(DataError, match=r"a\.png: .*values 0, .*mask_values"):
        rule_of(tmp_path)


def test_a_stray_mask_does_not_change_the_rule(tmp_path: Path) -> None:
    for k in range(9):
        save(tmp_path / f"{k}.png", disc(1, 2))
    noise = np.arange(256, dtype=np.uint8).reshape(16, 16)
    stray = save(tmp_path / "stray.png", noise)
    assert rule_of(tmp_path) == MaskRule((0, 1, 2))
    with pytest.raises(DataError) as caught:
        read_mask_file(stray, MaskRule((0, 1, 2)))
    assert caught.value.message.startswith(f"{stray}: values 3, 4, 5, 6, 7, 8, ... in the mask")
    assert "expected values 0, 1, 2 " in caught.value.message


def test_broken_masks_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"broken")
    (tmp_path / "b.png").symlink_to(tmp_path / "gone.png")
    with pytest.raises(DataError, match=r"a\.png: not a readable"):
        rule_of(tmp_path)
    save(tmp_path / "c.png", disc(1, 2))
    assert rule_of(tmp_path) == MaskRule((0, 1, 2))


def test_no_more_than_a_sample_is_opened(tmp_path: Path) -> None:
    for k in range(2 * SAMPLE):
        (tmp_path / f"{k:03d}.png").write_bytes(b"never opened")
    for k in range(1, 2 * SAMPLE, 2):
        save(tmp_path / f"{k:03d}.png", disc(1))
    assert rule_of(tmp_path) == MaskRule((0, 1))


def test_jpeg_is_white_on_black(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    grey = np.array([[0, 126, 127, 128, 129, 255]], np.uint8).repeat(16, axis=0).repeat(16, axis=1)
    Image.fromarray(grey).save(file, quality=100)
    assert rule_of(tmp_path) == MaskRule((0, 255))
    labels = read_mask_file(file, MaskRule((0, 255)))
    assert (labels == (np.asarray(Image.open(file)) > 127)).all()
    assert set(np.unique(labels)) == {0, 1}


def test_coloured_jpeg_of_a_grey_mask(tmp_path: Path) -> None:
    mask = disc(255)
    Image.fromarray(mask).convert("RGB").save(tmp_path / "a.jpg", quality=90)
    labels = read_mask_file(tmp_path / "a.jpg", MaskRule((0, 255)))
    assert (labels != (mask > 0)).mean() < 0.02


def test_jpeg_that_is_nowhere_white(tmp_path: Path) -> None:
    save(tmp_path / "a.jpg", disc(1, 2).repeat(8, axis=0).repeat(8, axis=1))
    with pytest.raises(DataError, match=r"a\.jpg: nothing in the masks is white, .* is 2"):
        rule_of(tmp_path)


def test_jpeg_that_is_black(tmp_path: Path) -> None:
    save(tmp_path / "a.jpg", disc())
    assert not read_mask_file(tmp_path / "a.jpg", rule_of(tmp_path)).any()


def test_grey_in_jpeg_is_remarked(tmp_path: Path) -> None:
    save(tmp_path / "a.jpg", disc(255).repeat(8, axis=0).repeat(8, axis=1))
    assert remarks_of(tmp_path) == ()
    save(tmp_path / "a.jpg", disc(128, 255).repeat(8, axis=0).repeat(8, axis=1))
    (remark,) = remarks_of(tmp_path)
    assert "are grey" in remark


def test_mask_values_of_the_request(tmp_path: Path) -> None:
    options = ReaderOptions(mask_values=(255, 0, 128))
    save(tmp_path / "a.png", np.array([[0, 255, 128, 60, 66, 200]], np.uint8))
    rule = rule_of(tmp_path, options)
    assert rule == MaskRule((255, 0, 128), snap=True)
    assert read_mask_file(tmp_path / "a.png", rule).tolist() == [[1, 0, 2, 1, 2, 0]]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 65535), min_size=2, max_size=9, unique=True), st.data())
def test_each_pixel_takes_the_nearest_value(
    tmp_path: Path, values: list[int], data: st.DataObject
) -> None:
    stored = data.draw(st.lists(st.integers(0, 65535), min_size=1, max_size=20))
    file = save(tmp_path / "a.tif", np.array([stored], np.uint16))
    labels = read_mask_file(file, MaskRule(tuple(values), snap=True))[0]
    for value, label in zip(stored, labels, strict=True):
        assert abs(values[label] - value) == min(abs(known - value) for known in values)


def test_one_bit_masks_are_white_on_black(tmp_path: Path) -> None:
    Image.fromarray(disc(1) > 0).save(tmp_path / "a.png")
    save(tmp_path / "b.png", disc(255))
    rule = rule_of(tmp_path)
    assert rule == MaskRule((0, 255))
    assert (read_mask_file(tmp_path / "a.png", rule) == disc(1)).all()


def test_palette_masks_are_their_indexes(tmp_path: Path) -> None:
    picture = Image.fromarray(disc(1, 2), "P")
    picture.putpalette(bytes([0, 0, 0, 200, 0, 0, 0, 200, 0]))
    picture.save(tmp_path / "a.png")
    assert rule_of(tmp_path) == MaskRule((0, 1, 2))
    assert (read_mask_file(tmp_path / "a.png", MaskRule((0, 1, 2))) == disc(1, 2)).all()


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif"])
@pytest.mark.parametrize("greys", [(0, 255), (255, 0), (7, 250), (250, 7)])
def test_a_palette_of_two_greys_is_black_and_white(
    tmp_path: Path, name: str, greys: tuple[int, int]
) -> None:
    bright = np.argmax(greys)
    picture = Image.fromarray(np.where(disc(1) == 1, bright, 1 - bright).astype(np.uint8), "P")
    picture.putpalette(np.repeat(np.array(greys, np.uint8), 3).tobytes())
    picture.save(tmp_path / name)
    save(tmp_path / "grey.png", disc(255))
    rule = rule_of(tmp_path)
    assert rule == MaskRule((0, 255))
    assert (read_mask_file(tmp_path / name, rule) == disc(1)).all()


def test_reduced_colours_mean_the_same_in_any_order(tmp_path: Path) -> None:
    few, many = disc(255), np.where(disc(1) == 1, 0, 255).astype(np.uint8)
    for name, mask in (("few", few), ("many", many), ("all", np.full_like(few, 255))):
        Image.fromarray(mask).convert("RGB").quantize(2).save(tmp_path / f"{name}.png")
        labels = read_mask_file(tmp_path / f"{name}.png", MaskRule((0, 255)))
        assert (labels == mask // 255).all()


def test_a_palette_of_three_greys_is_indexes(tmp_path: Path) -> None:
    picture = Image.fromarray(disc(1, 2), "P")
    picture.putpalette(bytes([0, 0, 0, 128, 128, 128, 255, 255, 255]))
    picture.save(tmp_path / "a.png")
    assert (read_mask_file(tmp_path / "a.png", rule_of(tmp_path)) == disc(1, 2)).all()


def test_equal_channels_are_grey(tmp_path: Path) -> None:
    mask = disc(1, 2)
    save(tmp_path / "a.png", np.stack([mask] * 3, axis=-1))
    assert (read_mask_file(tmp_path / "a.png", MaskRule((0, 1, 2))) == mask).all()


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_coloured_masks_are_refused(tmp_path: Path, name: str) -> None:
    red = np.stack([disc(255), disc(), disc()], axis=-1).repeat(8, axis=0).repeat(8, axis=1)
    save(tmp_path / name, red)
    with pytest.raises(DataError, match=rf"{name}: the mask is coloured"):
        rule_of(tmp_path)


def test_wide_types(tmp_path: Path) -> None:
    save(tmp_path / "a.tif", disc(1, 2, dtype=np.float32))
    save(tmp_path / "b.tif", disc(1, 2, dtype=np.int32))
    save(tmp_path / "c.tif", disc(1, 2, dtype=np.uint16))
    for name in ("a.tif", "b.tif", "c.tif"):
        assert (read_mask_file(tmp_path / name, rule_of(tmp_path)) == disc(1, 2)).all()


@pytest.mark.parametrize("value", [0.5, -1.0, np.nan, np.inf, 1e9])
def test_values_that_are_no_labels(tmp_path: Path, value: float) -> None:
    values = np.zeros((4, 4), np.float32)
    values[1, 1] = value
    save(tmp_path / "a.tif", values)
    with pytest.raises(DataError, match=r"a\.tif: the mask has values that are no whole numbers"):
        rule_of(tmp_path)


def test_names_decide_how_many_labels_there_are(tmp_path: Path) -> None:
    save(tmp_path / "a.png", disc(2))
    assert rule_of(tmp_path) == MaskRule((0, 2))
    options = ReaderOptions(class_names=("disc", "cup", "rim"))
    rule = rule_of(tmp_path, options)
    assert rule == MaskRule((0, 1, 2, 3))
    assert class_names(rule, options) == ("background", "disc", "cup", "rim")
    assert class_names(rule, ReaderOptions()) == ("background", "label 1", "label 2", "label 3")


@pytest.mark.parametrize(
    "options",
    [
        ReaderOptions(class_names=("one",)),
        ReaderOptions(class_names=("one", "two"), mask_values=(0, 1)),
    ],
)
def test_a_wrong_number_of_names(tmp_path: Path, options: ReaderOptions) -> None:
    save(tmp_path / "a.png", disc(1, 2, 3))
    with pytest.raises(InvalidArgumentError) as caught:
        rule_of(tmp_path, options)
    assert caught.value.violations[0].field == "specification.data.options.class_names"


def test_options_for_masks_without_masks() -> None:
    no_masks(ReaderOptions(patient_pattern="x"))
    for options in (ReaderOptions(class_names=("a",)), ReaderOptions(mask_values=(0, 1))):
        with pytest.raises(InvalidArgumentError, match="no masks"):
            no_masks(options)

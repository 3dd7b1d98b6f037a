"""The synthetic images: read from any folder, refused when they do not fit."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from medsynth.data.writers import SampleWriter
from medsynth.errors import DataError, PermissionDeniedError
from medsynth.evaluator.results import Results, content_key
from medsynth.evaluator.subject import Synthetic, check_links, check_match, read
from tests.evaluator.prepared import disc_set, discs


def written(folder: Path, format: str, count: int = 6) -> Path:
    images, masks = discs(count, seed=5)
    with SampleWriter(folder, format, {}) as writer:  # type: ignore[arg-type]
        writer.write(0, images, masks)
    return folder


@pytest.mark.parametrize("format", ["png", "npz"])
@pytest.mark.parametrize(("count", "expected"), [(4, 4), (6, 6), (1000, 6)])
def test_the_first_images_are_read_and_no_more(
    tmp_path: Path, format: str, count: int, expected: int
) -> None:
    found = read("x", "", written(tmp_path / "set", format), count)
    images, masks = discs(6, seed=5)
    assert np.array_equal(found.images, images[:expected])
    assert found.masks is not None
    assert np.array_equal(found.masks, masks[:expected])
    assert found.digest.startswith("sha256:")


def test_a_folder_without_manifest_has_no_digest_and_may_be_npz(tmp_path: Path) -> None:
    folder = written(tmp_path / "set", "npz")
    (folder / "manifest.json").unlink()
    found = read("x", "", folder, 3)
    assert (found.digest, len(found.images)) == ("", 3)
    assert read("x", "sha256:of-the-generator", folder, 3).digest == "sha256:of-the-generator"


@pytest.mark.parametrize("manifest", ["[" * 100_000, '{"count": 1e999}', '{"count": "x"}', "[]"])
def test_a_manifest_that_cannot_be_read_is_refused(tmp_path: Path, manifest: str) -> None:
    folder = written(tmp_path / "set", "npz")
    (folder / "manifest.json").write_text(manifest)
    with pytest.raises(DataError, match=r"manifest\.json: not a manifest"):
        read("x", "", folder, 3)


def test_one_image_is_too_few(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at least 2"):
        read("x", "", written(tmp_path / "set", "png", count=1), 10)


def test_links_out_of_the_roots_are_refused(tmp_path: Path) -> None:
    folder = written(tmp_path / "roots" / "set", "png")
    check_links(folder, (str(tmp_path / "roots"),))
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"")
    (folder / "images" / "000000099.png").symlink_to(secret)
    with pytest.raises(PermissionDeniedError, match="000000099"):
        check_links(folder, (str(tmp_path / "roots"),))


def test_what_does_not_fit_is_refused_and_not_resized() -> None:
    prepared = disc_set()
    images, masks = discs(3, seed=0)
    fitting = Synthetic("folder", "", images, masks)
    check_match(fitting, prepared)
    check_match(dataclasses.replace(fitting, masks=None), prepared)
    refused = {
        "64 x 64": dataclasses.replace(fitting, images=np.zeros((3, 1, 64, 64), np.uint8)),
        "2 channels": dataclasses.replace(fitting, images=np.zeros((3, 2, 32, 32), np.uint8)),
        "images of 16 bits, but the real ones have 8": dataclasses.replace(
            fitting, images=images.astype(np.uint16)
        ),
        "value 255": dataclasses.replace(fitting, masks=masks * np.uint8(255)),
    }
    for said, synthetic in refused.items():
        with pytest.raises(DataError, match=said):
            check_match(synthetic, prepared)


def test_kept_results_are_found_under_the_same_key_alone(tmp_path: Path) -> None:
    images, masks = discs(3, seed=0)
    key = content_key("sha256:set", images, masks)
    results = Results(tmp_path, key)
    assert results.get("real-0") is None
    results.put("real-0", {"dice": {"mean": 0.5, "lv": None}})
    assert Results(tmp_path, key).get("real-0") == {"dice": {"mean": 0.5, "lv": None}}
    others = [
        content_key("sha256:other", images, masks),
        content_key("sha256:set", images[:2], masks[:2]),
        content_key("sha256:set", images, None),
        content_key("sha256:set", images, 1 - masks),
    ]
    assert len({key, *others}) == 5
    assert [Results(tmp_path, other).get("real-0") for other in others] == [None] * 4


def test_a_torn_result_counts_as_none(tmp_path: Path) -> None:
    results = Results(tmp_path, "sha256:" + "a" * 64)
    results.put("fid", {"x": 1})
    (file,) = tmp_path.rglob("fid.json")
    file.write_text(json.dumps({"x": 1})[:-1])
    assert results.get("fid") is None

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from google.protobuf.json_format import ParseDict
from PIL import Image

from medsynth.data.phantom import CLASSES, phantom_volumes
from medsynth.data.preparation import Preparation
from medsynth.data.prepared import PreparedSet
from medsynth.data.preparing import prepare
from medsynth.data.slices import prepare_volume
from medsynth.data.source import Source, dataset_id, resolve
from medsynth.errors import AbortedError, DataError, InvalidArgumentError
from medsynth.storage import Artifact, Draft, Storage
from medsynth.v1 import types_pb2
from tests.data.acdc_files import acdc_folder
from tests.support import no_file_above

PHANTOM = "phantom://cardiac?patients=5&slices=4&seed=2"


def quiet(done: int, total: int) -> None:
    pass


def leftovers(storage: Storage) -> list[Path]:
    return [path for path in Path(storage.root).rglob("*") if path.is_file()]


@pytest.mark.parametrize("limit", [100, 5000, 60_000])
def test_a_full_disk_is_said_to_be_one_and_leaves_nothing(
    storage: Storage, tmp_path: Path, limit: int
) -> None:
    """While volumes, splits and the draft are written; mapped files would end by a signal."""
    source = Source(PHANTOM, preparation=Preparation(size=64))
    with no_file_above(limit), pytest.raises(OSError, match="images") as caught:
        prepare(source, storage, "a1", progress=quiet, scratch=tmp_path)
    assert caught.value.errno == errno.EFBIG
    assert leftovers(storage) == []
    assert list(tmp_path.glob("prepare-*")) == []


def test_a_phantom(storage: Storage, tmp_path: Path) -> None:
    source = Source(PHANTOM, preparation=Preparation(size=32))
    seen: list[tuple[int, int]] = []
    artifact = prepare(source, storage, "a1", progress=lambda *p: seen.append(p), scratch=tmp_path)
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == ((0, 10), (10, 10))
    assert artifact.manifest.collection == "datasets"
    assert artifact.manifest.id == dataset_id(source)
    assert artifact.verify() == []

    prepared = PreparedSet.open(artifact, tmp_path / "cache")
    assert prepared.digest == artifact.manifest.digest
    assert prepared.classes == CLASSES
    assert (prepared.channels, prepared.size) == (1, 32)
    assert prepared.source["uri"] == resolve(PHANTOM, [])
    assert prepared.source["reader"] == "phantom"

    expected = {v.name: v for v in phantom_volumes(5, 4, 2)}
    patients: list[str] = []
    for name in ("train", "validation", "test"):
        split = prepared.split(name)
        count = len(split.images)
        assert split.images.shape == (count, 1, 32, 32)
        assert split.images.dtype == np.uint8
        assert split.masks is not None
        assert split.masks.shape == (count, 32, 32)
        assert len(split.patients) == len(split.volumes) == len(split.slices) == count
        assert len(split.groups) == count
        patients += sorted(set(split.patients))
        for row in range(count):
            volume = expected[split.volumes[row]]
            assert (split.patients[row], split.groups[row]) == (volume.patient, volume.group)
            prepared_one = prepare_volume(volume, source.preparation)
            assert prepared_one.masks is not None
            number = split.slices[row]
            assert np.array_equal(split.images[row], prepared_one.images[number])
            assert np.array_equal(split.masks[row], prepared_one.masks[number])
            assert split.foreground[row] == pytest.approx(
                (prepared_one.masks[number] > 0).mean(), abs=1e-6
            )
    assert sorted(patients) == [f"p{k:05d}" for k in range(5)]
    assert len({prepared.split(n).digest for n in ("train", "validation", "test")}) == 3


def test_metadata_is_the_message(storage: Storage) -> None:
    artifact = prepare(Source(PHANTOM), storage, "a1", progress=quiet)
    message = ParseDict(artifact.manifest.metadata, types_pb2.Dataset())
    assert [split.name for split in message.splits] == ["train", "validation", "test"]
    assert [split.patients for split in message.splits] == [3, 1, 1]
    assert [split.volumes for split in message.splits] == [6, 2, 2]
    assert [split.slices for split in message.splits] == [24, 8, 8]
    assert message.source.preparation.intensity_high == 99.5
    assert message.source.reader == "phantom"


def test_twice_is_free(storage: Storage) -> None:
    source = Source(PHANTOM)
    first = prepare(source, storage, "a1", progress=quiet)

    def never(*arguments: Any) -> Any:
        raise AssertionError("called for a set that exists")

    again = prepare(source, storage, "a2", progress=never, publish=never)
    assert again.manifest == first.manifest
    other = prepare(
        Source(PHANTOM, preparation=Preparation(split_seed=1)), storage, "a3", progress=quiet
    )
    assert other.manifest.id != first.manifest.id


def test_the_same_content_has_the_same_digest(tmp_path: Path) -> None:
    digests = {
        prepare(Source(PHANTOM), Storage(str(tmp_path / k)), k, progress=quiet).manifest.digest
        for k in ("one", "two")
    }
    assert len(digests) == 1


def test_memory_storage_is_fetched(tmp_path: Path) -> None:
    artifact = prepare(Source(PHANTOM), Storage("memory://sets"), "a1", progress=quiet)
    prepared = PreparedSet.open(artifact, tmp_path / "cache")
    assert len(prepared.split("train").images) == 24
    assert (tmp_path / "cache" / "train" / "images.npy").is_file()


def test_two_channels(storage: Storage, tmp_path: Path) -> None:
    source = Source(PHANTOM + "&contrast=cine,t2")
    prepared = PreparedSet.open(prepare(source, storage, "a", progress=quiet), tmp_path)
    assert prepared.channels == 2
    assert prepared.split("test").images.shape == (8, 2, 64, 64)


def test_acdc(storage: Storage, tmp_path: Path) -> None:
    folder = acdc_folder(tmp_path / "acdc", patients=6)
    source = Source(str(folder), preparation=Preparation(crop="foreground", crop_share=0.9))
    prepared = PreparedSet.open(
        prepare(source, storage, "a", progress=quiet, roots=[str(tmp_path)]), tmp_path
    )
    assert prepared.source["reader"] == "acdc"
    split = prepared.split("train")
    assert split.masks is not None
    assert len(split.images) == 4 * 2 * 3
    assert set(np.unique(split.masks)) == {0, 1, 2, 3}
    text = json.dumps(prepared.source) + "".join(split.patients)
    assert "Height" not in text


@pytest.mark.parametrize("patients", [1, 2])
def test_too_few_patients_leave_nothing(patients: int, storage: Storage, tmp_path: Path) -> None:
    folder = acdc_folder(tmp_path / "acdc", patients=patients)
    with pytest.raises(DataError, match=f"at least 3 patients.*found {patients}"):
        prepare(Source(str(folder)), storage, "a1", progress=quiet)
    assert leftovers(storage) == []


def test_bad_files_leave_nothing(storage: Storage, tmp_path: Path) -> None:
    folder = acdc_folder(tmp_path / "acdc")
    (folder / "patient004" / "patient004_frame09.nii.gz").write_bytes(b"broken")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with pytest.raises(DataError, match="patient004_frame09"):
        prepare(Source(str(folder)), storage, "a1", progress=quiet, scratch=scratch)
    assert leftovers(storage) == []
    assert list(scratch.iterdir()) == []


def test_empty_folder(storage: Storage, tmp_path: Path) -> None:
    for reader in ("", "acdc"):
        with pytest.raises(DataError, match=str(tmp_path)):
            prepare(Source(str(tmp_path), reader), storage, "a1", progress=quiet)


def test_stopping_leaves_nothing(storage: Storage, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done >= 3:
            raise AbortedError("told to stop")

    with pytest.raises(AbortedError):
        prepare(Source(PHANTOM), storage, "a1", progress=stop, scratch=tmp_path)
    assert leftovers(storage) == []


def test_a_refused_publication_leaves_nothing(storage: Storage) -> None:
    def refuse(draft: Draft, metadata: Mapping[str, Any]) -> Artifact:
        raise AbortedError("lost the lease")

    with pytest.raises(AbortedError):
        prepare(Source(PHANTOM), storage, "a1", progress=quiet, publish=refuse)
    assert leftovers(storage) == []
    assert prepare(Source(PHANTOM), storage, "a1", progress=quiet).verify() == []


def test_an_error_after_publication_keeps_the_set(storage: Storage) -> None:
    def publish(draft: Draft, metadata: Mapping[str, Any]) -> Artifact:
        storage.publish(draft, metadata)
        raise AbortedError("too late")

    with pytest.raises(AbortedError):
        prepare(Source(PHANTOM), storage, "a1", progress=quiet, publish=publish)
    assert storage.get("datasets", dataset_id(Source(PHANTOM))).verify() == []


def test_files_that_change_while_read(storage: Storage, tmp_path: Path) -> None:
    folder = acdc_folder(tmp_path / "acdc")

    def disturb(done: int, total: int) -> None:
        if done >= 4:
            (folder / "patient001" / "Info.cfg").write_text("Group: HCM\n" * 9)

    with pytest.raises(DataError, match="changed"):
        prepare(Source(str(folder)), storage, "a1", progress=disturb)
    assert leftovers(storage) == []


def test_links_out_of_the_roots(storage: Storage, tmp_path: Path) -> None:
    folder = acdc_folder(tmp_path / "root" / "acdc")
    secret = tmp_path / "secret.nii.gz"
    image = folder / "patient001" / "patient001_frame01.nii.gz"
    image.rename(secret)
    image.symlink_to(secret)
    with pytest.raises(DataError, match=r"patient001_frame01\.nii\.gz: is a link"):
        prepare(Source(str(folder)), storage, "a1", progress=quiet, roots=[str(tmp_path / "root")])
    assert (
        prepare(Source(str(folder)), storage, "a2", progress=quiet, roots=[str(tmp_path)]).verify()
        == []
    )


def test_a_damaged_set_is_refused(storage: Storage, tmp_path: Path) -> None:
    artifact = prepare(Source(PHANTOM), storage, "a1", progress=quiet)
    file = Path(artifact.path) / "train" / "images.npy"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"images\.npy"):
        PreparedSet.open(artifact, tmp_path)


def test_the_real_data_set(real_acdc: Path, storage: Storage, tmp_path: Path) -> None:
    source = Source(str(real_acdc), preparation=Preparation(crop="centre"))
    prepared = PreparedSet.open(prepare(source, storage, "a", progress=quiet), tmp_path)
    splits = [prepared.split(name) for name in ("train", "validation", "test")]
    assert [len(set(split.patients)) for split in splits] == [18, 5, 7]
    assert sum(len(split.images) for split in splits) == 588
    assert len(set(splits[0].groups)) == len(set(splits[2].groups)) == 5


def test_services_can_validate_without_image_libraries() -> None:
    program = (
        "import sys, medsynth.data.preparation, medsynth.data.source, medsynth.data.prepared;"
        "from medsynth.data.source import *; dataset_id(Source('phantom://cardiac'));"
        "heavy = {'torch', 'nibabel', 'PIL', 'scipy', 'onnxruntime', 'matplotlib', 'monai'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def killed_after(done: int) -> Callable[[int, int], None]:
    def progress(count: int, total: int) -> None:
        if count >= done:
            raise AbortedError("killed")

    return progress


def test_a_killed_preparation_is_taken_up(storage: Storage, tmp_path: Path) -> None:
    source, kept = Source(PHANTOM), tmp_path / "kept"
    with pytest.raises(AbortedError):
        prepare(source, storage, "a1", progress=killed_after(6), kept=kept, cores=1)
    (batches,) = kept.glob("*/batches")
    done = {file.name: file.stat().st_mtime_ns for file in batches.glob("*.json")}
    assert len(done) >= 6
    artifact = prepare(source, storage, "a2", progress=quiet, kept=kept, cores=1)
    whole = prepare(source, Storage(str(tmp_path / "other")), "b", progress=quiet)
    assert artifact.manifest.digest == whole.manifest.digest
    assert list(kept.iterdir()) == []


def test_what_was_prepared_before_is_not_read_again(storage: Storage, tmp_path: Path) -> None:
    folder = acdc_folder(tmp_path / "acdc")
    source, kept = Source(str(folder)), tmp_path / "kept"
    with pytest.raises(AbortedError):
        prepare(source, storage, "a1", progress=killed_after(4), kept=kept, cores=1)
    (batches,) = kept.glob("*/batches")
    records = sorted(batches.glob("*.json"))
    known = [file.stat().st_mtime_ns for file in records]
    seen: list[list[int]] = []

    def progress(done: int, total: int) -> None:
        seen.append([file.stat().st_mtime_ns for file in records])

    prepare(source, storage, "a2", progress=progress, kept=kept, cores=1)
    assert all(times == known for times in seen)


@pytest.mark.parametrize("ending", ["images", "masks", "json"])
def test_a_torn_batch_is_prepared_again(ending: str, storage: Storage, tmp_path: Path) -> None:
    source, kept = Source(PHANTOM), tmp_path / "kept"
    with pytest.raises(AbortedError):
        prepare(source, storage, "a1", progress=killed_after(6), kept=kept, cores=1)
    (torn,) = kept.glob(f"*/batches/000002.{ending}")
    torn.write_bytes(torn.read_bytes()[:-3])
    artifact = prepare(source, storage, "a2", progress=quiet, kept=kept, cores=1)
    whole = prepare(source, Storage(str(tmp_path / "other")), "b", progress=quiet)
    assert artifact.manifest.digest == whole.manifest.digest


@pytest.mark.parametrize("cores", [1, 2, 5])
def test_cores_do_not_matter(cores: int, storage: Storage, tmp_path: Path) -> None:
    source = Source(PHANTOM)
    artifact = prepare(source, storage, "a", progress=quiet, cores=cores)
    one = prepare(source, Storage(str(tmp_path / "other")), "b", progress=quiet, cores=1)
    assert artifact.manifest.digest == one.manifest.digest


def test_a_share_of_bad_scans_is_passed_over(storage: Storage, tmp_path: Path) -> None:
    folder = acdc_folder(tmp_path / "acdc", patients=5)
    broken = folder / "patient002" / "patient002_frame09.nii.gz"
    broken.write_bytes(broken.read_bytes()[:100])
    (folder / "patient003" / "patient003_frame01_gt.nii.gz").unlink()
    with pytest.raises(DataError, match=r"patient003_frame01\.nii\.gz: its mask"):
        prepare(Source(str(folder)), storage, "a", progress=quiet)
    few = Source(str(folder), preparation=Preparation(bad_share=0.1))
    with pytest.raises(DataError, match=r"2 of 10 scans cannot be used, more than .* 0\.1 that"):
        prepare(few, storage, "a", progress=quiet)
    chosen = Preparation(bad_share=0.2)
    artifact = prepare(Source(str(folder), preparation=chosen), storage, "a", progress=quiet)
    assert artifact.manifest.metadata["problems"] == 2
    assert sum(split["volumes"] for split in artifact.manifest.metadata["splits"]) == 8
    problems = json.loads(artifact.read("problems.json"))["problems"]
    assert [problem["file"] for problem in problems] == [
        "patient003/patient003_frame01.nii.gz",
        "patient002/patient002_frame09.nii.gz",
    ]
    assert "not a readable NIfTI" in problems[1]["reason"]
    assert str(tmp_path) not in json.dumps(problems)


def test_the_way_back_to_units_and_places_is_kept(storage: Storage, tmp_path: Path) -> None:
    folder = acdc_folder(tmp_path / "acdc", patients=3)
    source = Source(str(folder), preparation=Preparation(crop="centre", crop_share=0.8, size=32))
    artifact = prepare(source, storage, "a", progress=quiet)
    volumes = json.loads(artifact.read("train/volumes.json"))
    assert len(volumes["names"]) == len(volumes["affines"]) == 2
    ((low, high),) = volumes["intensities"][0]
    assert 0 <= low < 10
    assert 200 < high < 221
    # 32 of 40 rows of 1.25 mm and 32 columns of 1.5 mm were cut, and hold 32 pixels.
    assert np.linalg.norm(np.array(volumes["affines"][0])[:3, :3], axis=0) == pytest.approx(
        [8, 1.25, 1.5]
    )


def test_labels_are_mapped_and_named(storage: Storage, tmp_path: Path) -> None:
    folder = acdc_folder(tmp_path / "acdc", patients=3)
    chosen = Preparation(label_map={1: 0, 2: 1, 3: 1}, crop="foreground")
    artifact = prepare(Source(str(folder), preparation=chosen), storage, "a", progress=quiet)
    prepared = PreparedSet.open(artifact, tmp_path)
    assert prepared.classes == ("background", "myocardium + lv cavity")
    masks = prepared.split("train").masks
    assert masks is not None
    assert set(np.unique(masks)) == {0, 1}


def test_archives(storage: Storage, tmp_path: Path) -> None:
    folder = acdc_folder(tmp_path / "set" / "acdc", patients=3)
    plain = prepare(Source(str(folder)), storage, "a", progress=quiet)
    digests = list(plain.manifest.files)
    for kind in ("zip", "gztar", "tar"):
        made = shutil.make_archive(str(tmp_path / kind), kind, tmp_path / "set")
        artifact = prepare(Source(made), storage, "a", progress=quiet)
        assert artifact.manifest.metadata["source"]["reader"] == "acdc"
        assert list(artifact.manifest.files) == digests


def test_a_bucket(storage: Storage, tmp_path: Path) -> None:
    folder = acdc_folder(tmp_path / "acdc", patients=3)
    plain = prepare(Source(str(folder)), storage, "a", progress=quiet)
    system = fsspec.filesystem("memory")
    system.put(str(folder), "/bucket/acdc", recursive=True)
    uri = resolve("memory://bucket/acdc", ["memory://bucket"])
    artifact = prepare(Source(uri), storage, "a", progress=quiet, scratch=tmp_path)
    assert list(artifact.manifest.files) == list(plain.manifest.files)
    assert list(tmp_path.glob("fetched-*")) == []


def test_sixteen_bits_are_finer_and_go_back_to_the_same_units(
    storage: Storage, tmp_path: Path
) -> None:
    folder = acdc_folder(tmp_path / "acdc", patients=3)
    sets = {}
    for bits in (8, 16):
        source = Source(str(folder), preparation=Preparation(bits=bits))
        artifact = prepare(source, storage, "a", progress=quiet)
        assert artifact.manifest.metadata["bits"] == bits
        sets[bits] = PreparedSet.open(artifact, tmp_path)
        assert sets[bits].bits == bits
    coarse, fine = (sets[bits].split("train").images for bits in (8, 16))
    assert (coarse.dtype, fine.dtype) == (np.uint8, np.uint16)
    assert np.abs(coarse / 255 - fine / 65535).max() <= 0.5 / 255 + 1e-4
    assert len(np.unique(fine)) > 256


@pytest.mark.parametrize(
    ("chosen", "field"),
    [
        ({"crop": "foreground"}, "crop"),
        ({"keep_empty_share": 0.5}, "keep_empty_share"),
        ({"foreground_share": 0.5}, "foreground_share"),
        ({"label_map": {1: 0}}, "label_map"),
    ],
)
def test_what_needs_masks_is_refused_without_them(
    chosen: dict[str, Any], field: str, storage: Storage, tmp_path: Path
) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(4):
        plane = np.random.Generator(np.random.Philox(number)).integers(0, 255, (40, 40))
        Image.fromarray(plane.astype(np.uint8)).save(folder / f"{number}.png")
    source = Source(str(folder), preparation=Preparation(**chosen))
    with pytest.raises(InvalidArgumentError, match="the set has no masks") as caught:
        prepare(source, storage, "a", progress=quiet)
    assert caught.value.violations[0].field == f"specification.data.preparation.{field}"
    assert prepare(Source(str(folder)), storage, "a", progress=quiet).verify() == []


def test_a_share_of_foreground_that_cannot_be_shown_is_refused(
    storage: Storage, tmp_path: Path
) -> None:
    folder = acdc_folder(tmp_path / "acdc", patients=3)
    chosen = Preparation(foreground_share=0.5, keep_empty_share=0)
    with pytest.raises(InvalidArgumentError, match=r"foreground_share.*0 or 1: every training"):
        prepare(Source(str(folder), preparation=chosen), storage, "a", progress=quiet)
    assert list(storage.list("datasets")) == []

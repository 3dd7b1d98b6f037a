from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import mlcroissant
import numpy as np
import pydicom
import pytest

from medsynth.data.preparation import Preparation
from medsynth.data.preparing import prepare
from medsynth.data.source import Source
from medsynth.data.writers import FORMATS, SampleWriter
from medsynth.data.writers.description import SetDescription
from medsynth.errors import DataError, InvalidArgumentError
from medsynth.platform.artifacts import DATASETS, generator_message, resource_name
from medsynth.sampler.description import PUBLISHED, described, stated
from medsynth.storage import Storage
from medsynth.v1 import sampler_pb2, types_pb2
from tests.data.readers.volume_writing import image_of, mask_of, write
from tests.sampler import graphs

SIZE = 32
PATIENTS = ("KX-7731904", "Zwirnhuber", "KX-7731912", "Xaverius")
ASSIGNED = {"train": PATIENTS[:2], "validation": PATIENTS[2:3], "test": PATIENTS[3:]}
SPECIFICATION = sampler_pb2.SyntheticDatasetSpecification(
    generator="generators/small", count=3, seed=7,
    statement=sampler_pb2.SetStatement(title="Livers", licence="CC0-1.0"),
)  # fmt: skip
WITHHELD = {
    "train_share", "validation_share", "split_seed", "split", "folds", "fold", "assignment",
    "bad_share",
}  # fmt: skip


def affine(patient: int) -> np.ndarray:
    """Of columns, rows and slices; turned by some degrees, with an origin of its own."""
    angle = np.radians(7.31 + patient)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    upright = np.diag([-1.5, -1.25, 8.0, 1.0])
    upright[:3, 3] = np.array([41.37, 53.19, -611.83]) + patient * np.array([1.13, 2.57, 3.71])
    return np.asarray(turn @ upright)


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Storage:
    return Storage(str(tmp_path_factory.mktemp("storage")))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scans in nnU-Net's layout, named after their patients."""
    root = tmp_path_factory.mktemp("source")
    facts = {
        "channel_names": {"0": "CT"}, "labels": {"background": 0, "liver": 1},
        "numTraining": len(PATIENTS), "file_ending": ".nii.gz",
    }  # fmt: skip
    (root / "dataset.json").write_text(json.dumps(facts))
    for number, patient in enumerate(PATIENTS):
        place = affine(number)
        write(root / f"imagesTr/{patient}_0000.nii.gz", image_of(number), place)
        write(root / f"labelsTr/{patient}.nii.gz", mask_of(1), place)
    return root


def generator(
    storage: Storage, folder: Path, name: str = "small", **choices: Any
) -> types_pb2.Generator:
    """A generator that was trained on the scans, with patients assigned to splits."""
    preparation = Preparation.from_mapping(
        {"size": SIZE, "split": "assigned", "assignment": ASSIGNED, **choices}
    )
    source = Source(str(folder), "nnunet", preparation)
    dataset = prepare(source, storage, "a1", progress=lambda done, total: None)
    published = graphs.publish(
        storage, name, classes=2, dataset=resource_name(dataset), source=source.to_mapping()
    )
    return generator_message(published)


@pytest.fixture(scope="module")
def small(storage: Storage, folder: Path) -> types_pb2.Generator:
    return generator(storage, folder)


def drawn(folder: Path, description: SetDescription) -> Iterator[tuple[str, bytes]]:
    """Every file of a set in every format, unpacked."""
    random = np.random.Generator(np.random.Philox(3))
    images = random.integers(0, 256, (3, 1, SIZE, SIZE)).astype(np.uint8)
    masks = random.integers(0, 2, (3, SIZE, SIZE)).astype(np.uint8)
    for format in FORMATS:
        with SampleWriter(folder / format, format, {}, description) as writer:
            writer.write(0, images, masks)
        for file in sorted((folder / format).rglob("*")):
            if file.is_file():
                content = file.read_bytes()
                yield str(file), gzip.decompress(content) if file.suffix == ".gz" else content


def test_no_patient_is_named_in_any_format(
    storage: Storage, small: types_pb2.Generator, tmp_path: Path
) -> None:
    assert set(small.source.preparation.assignment.train) == set(ASSIGNED["train"])
    for name, content in drawn(tmp_path, described(SPECIFICATION, small, storage)):
        for patient in PATIENTS:
            assert patient.encode() not in content, name
            assert patient not in name


def test_it_is_decided_for_every_choice_of_a_preparation_whether_it_is_published() -> None:
    assert set(asdict(Preparation())) == PUBLISHED | WITHHELD
    assert not PUBLISHED & WITHHELD


def test_how_pixels_were_made_is_said(storage: Storage, small: types_pb2.Generator) -> None:
    said = described(SPECIFICATION, small, storage)
    assert said.preparation["size"] == SIZE
    assert said.preparation["intensity"] == "percentiles"
    assert (said.modality, said.seed, said.title) == ("CT", 7, "Livers")
    assert said.classes == ("class 0", "class 1")


def test_a_slice_lies_along_the_axes_with_its_centre_in_the_origin(
    storage: Storage, small: types_pb2.Generator
) -> None:
    said = described(SPECIFICATION, small, storage)
    place = said.geometry
    assert place is not None
    middle = (SIZE - 1) / 2
    np.testing.assert_allclose(place @ (0, middle, middle, 1), (0, 0, 0, 1), atol=1e-9)
    axes = place[:3, :3]
    assert (np.count_nonzero(axes, axis=0) == 1).all()
    assert (np.count_nonzero(axes, axis=1) == 1).all()
    volumes = json.loads(storage.get(DATASETS, small.dataset[9:]).read("train/volumes.json"))
    for found in volumes["affines"]:
        theirs = np.array(found)
        lengths = np.linalg.norm(theirs[:3, :3], axis=0)
        np.testing.assert_allclose(np.linalg.norm(axes, axis=0), lengths, rtol=1e-3)
        cosines = (theirs[:3, :3] / lengths * axes / np.linalg.norm(axes, axis=0)).sum(axis=0)
        assert (cosines > np.cos(np.radians(20))).all()
        assert not set(theirs[:3, 3]) & set(place.ravel())
        assert not set(theirs[:2, 1:3].ravel()) & set(place.ravel())


def test_percentiles_of_a_scan_lose_their_last_digits_and_limits_of_a_window_keep_them(
    storage: Storage, small: types_pb2.Generator, folder: Path
) -> None:
    volumes = json.loads(storage.get(DATASETS, small.dataset[9:]).read("train/volumes.json"))
    (said,) = described(SPECIFICATION, small, storage).intensities
    np.testing.assert_allclose(said, np.median(volumes["intensities"], axis=0)[0], atol=1)
    assert said == tuple(round(value) for value in said)
    limits = {"intensity": "window", "intensity_low": -160.123, "intensity_high": 240.456}
    window = generator(storage, folder, "window", **limits)
    assert described(SPECIFICATION, window, storage).intensities == ((-160.123, 240.456),)


def test_what_an_earlier_attempt_said_holds_on(
    storage: Storage, small: types_pb2.Generator, folder: Path
) -> None:
    whole = described(SPECIFICATION, small, storage)
    own = generator(storage, folder, "gone", size=64)
    before = described(SPECIFICATION, own, storage)
    storage.delete(DATASETS, own.dataset[9:])
    after = described(SPECIFICATION, own, storage)
    assert (after.modality, after.units, after.intensities, after.affine) == ("", "", (), None)
    kept = SetDescription.from_mapping(json.loads(json.dumps(before.to_mapping())))
    assert described(SPECIFICATION, own, storage, kept) == kept
    assert described(SPECIFICATION, own, storage, replace(kept, seed=8)) == after
    assert described(SPECIFICATION, own, storage, whole) == after


def test_a_damaged_training_set_is_said_to_be_damaged(storage: Storage, folder: Path) -> None:
    own = generator(storage, folder, "damaged", size=48)
    artifact = storage.get(DATASETS, own.dataset[9:])
    Path(artifact.path, "train", "volumes.json").write_text("{}")
    with pytest.raises(DataError, match=r"volumes\.json is not what was published"):
        described(SPECIFICATION, own, storage)


def test_all_that_can_be_stated_is_enough_for_croissant(
    storage: Storage, small: types_pb2.Generator, tmp_path: Path
) -> None:
    statement = sampler_pb2.SetStatement(
        title="Livers", licence="https://creativecommons.org/publicdomain/zero/1.0/",
        intended_use="Teaching", citation="A paper", creator="A lab", url="https://example.org",
        number=7, date="2024-12-31",
    )  # fmt: skip
    assert len(statement.ListFields()) == len(statement.DESCRIPTOR.fields)
    specification = sampler_pb2.SyntheticDatasetSpecification(seed=7, statement=statement)
    for _ in drawn(tmp_path, described(specification, small, storage)):
        pass
    for format in FORMATS:
        dataset = mlcroissant.Dataset(jsonld=tmp_path / format / "croissant.json")
        issues = dataset.metadata.ctx.issues
        assert (issues.errors, issues.warnings) == (set(), set())
    mask = pydicom.dcmread(tmp_path / "dicom" / "masks" / "000000000.dcm")
    assert (mask.StudyDate, mask.ContentDate) == ("20241231", "20241231")


@pytest.mark.parametrize(("field", "value"), [("number", 0), ("date", "31.12.2024")])
def test_what_cannot_be_stated(field: str, value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=f"{value!r} is not accepted") as caught:
        stated(sampler_pb2.SetStatement(**{field: value}))
    assert caught.value.violations[0].field == f"specification.statement.{field}"

"""Who the patients are goes no further than the reader: not into artifacts, logs or events."""

from __future__ import annotations

import gzip
import hashlib
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from medsynth.platform.jobs.record import JobRecord
from medsynth.platform.sources import fill_source
from medsynth.trainer.requests import fill_training
from medsynth.v1 import trainer_pb2, types_pb2
from medsynth.v1.jobs_pb2 import JobState
from tests.data.dicom_files import segmentation, series, write_series
from tests.redis_server import RedisServer
from tests.workplace import Workplace

TELLING = {
    "PatientName": "Zwirnhuber^Xaverius",
    "PatientBirthDate": "19310417",
    "InstitutionName": "Klinik Oberwaldstein",
    "ReferringPhysicianName": "Pfefferkorn^Adelheid",
    "AccessionNumber": "ACC9900817",
    "StudyDate": "20170523",
    "StudyDescription": "Kontrolle nach Holzfuchs",
}
WORDS = ("zwirnhuber", "xaverius", "19310417", "oberwaldstein", "pfefferkorn", "acc9900817",
         "20170523", "holzfuchs", "kx-773190", "kx773190", "schmittlein", "krautwurst")  # fmt: skip
KEY = b"0123456789abcdef of tests"


@pytest.fixture
def place(
    redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workplace]:
    (tmp_path / "key").write_bytes(KEY)
    (tmp_path / "key").chmod(0o600)
    more = {
        "data_roots": json.dumps([str(tmp_path)]),
        "pseudonym_key_file": str(tmp_path / "key"),
    }
    workplace = Workplace(tmp_path / "home", redis_server.url, monkeypatch, more)
    yield workplace
    workplace.close()


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Patients in folders of their names: four of whom the last one's files cannot be used, one
    none of whose files can be read, and one whose headers are anonymous."""
    for number in range(4):
        images = patient(tmp_path / "scans" / f"Zwirnhuber_Xaverius_{number}", number)
        if number == 3:
            for file in images:
                file.write_bytes(file.read_bytes()[:-100])
    for file in patient(tmp_path / "scans" / "Schmittlein KX773190", 4):
        file.write_bytes(b"")
    anonymous = {**dict.fromkeys(TELLING, ""), "PatientID": "ANON"}
    for file in patient(tmp_path / "scans" / "Krautwurst" / "DICOM", 5, **anonymous)[:2]:
        file.write_bytes(file.read_bytes()[:-100])
    return tmp_path / "scans"


def patient(folder: Path, number: int, **changes: Any) -> list[Path]:
    """Images and a segmentation of a patient; the files of the images."""
    values = np.random.Generator(np.random.Philox(number)).integers(0, 900, (4, 48, 48))
    who: dict[str, Any] = {**TELLING, "PatientID": f"KX-773190{number}4", **changes}
    who["SeriesInstanceUID"] = f"1.2.826.0.1.3680043.8.498.{number}"
    images = series(values.astype(np.int16), **who)
    drawn = np.zeros((4, 48, 48), np.uint8)
    drawn[:, 10:30, 10:30] = 1
    write_series(folder, [segmentation(images, {"Liver": drawn})], ["segments.dcm"])
    return write_series(folder, images, [f"KX-773190{number}4.{k}.dcm" for k in range(4)])


def everything(workplace: Workplace, records: list[JobRecord]) -> Iterator[tuple[str, str]]:
    """Whatever could have kept it, with a name for it."""
    for file in workplace.settings.home.rglob("*"):
        if file.is_file():
            yield f"the name of {file}", str(file)
            yield from contents(file)
    redis = workplace.store.redis
    for key in redis.keys("*"):
        yield f"Redis {key!r}", repr((key, value_of(redis, key)))
    for record in records:
        yield record.name, repr(record)
        for event in workplace.store.watch(record.name):
            yield f"an event of {record.name}", repr(event)


def contents(file: Path) -> Iterator[tuple[str, str]]:
    """What a file holds, unpacked."""
    content = file.read_bytes()
    yield str(file), content.decode("latin-1")
    if content.startswith(b"\x1f\x8b"):
        yield f"in {file}", gzip.decompress(content).decode("latin-1")
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            for name in archive.namelist():
                yield f"{name} in {file}", name + archive.read(name).decode("latin-1")
    if content.startswith(b"\x89PNG"):
        with Image.open(file) as picture:
            yield f"texts of {file}", repr(picture.info)


def value_of(redis: Any, key: Any) -> Any:
    """What a key of any type holds; a dump of it may be compressed."""
    kind = redis.type(key)
    read = {
        "string": redis.get,
        "hash": redis.hgetall,
        "list": lambda name: redis.lrange(name, 0, -1),
        "set": redis.smembers,
        "zset": lambda name: redis.zrange(name, 0, -1),
        "stream": redis.xrange,
    }
    return read[kind if isinstance(kind, str) else kind.decode()](key)


def test_every_word_is_there_to_be_found(scans: Path) -> None:
    texts = [str(file) + file.read_bytes().decode("latin-1") for file in scans.rglob("*.dcm")]
    for word in WORDS:
        assert any(word in text.lower() for text in texts), word


def test_nobody_is_found_in_artifacts_logs_and_events(
    place: Workplace, scans: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    asked = types_pb2.DataSource(
        uri=str(scans), preparation=types_pb2.Preparation(size=32, bad_share=0.9)
    )
    source = fill_source(asked, [str(scans)])
    assert source.reader == "dicom"
    prepared = place.make("preparation", source)
    inspected = place.make("inspection", source)
    refused = place.run(
        "preparation", fill_source(types_pb2.DataSource(uri=str(scans)), [str(scans)])
    )
    assert refused.error is not None
    artifact = place.storage.get("datasets", prepared.result["dataset"].partition("/")[2])
    assert artifact.manifest.metadata["problems"] >= 7
    said = [*everything(place, [prepared, inspected, refused])]
    said.append(("what was printed", repr(capfd.readouterr())))
    assert len(said) > 50
    for name, text in said:
        found = [word for word in WORDS if word in text.lower()]
        assert not found, f"{found} in {name}"


def test_another_key_makes_another_set(place: Workplace, scans: Path) -> None:
    asked = types_pb2.DataSource(
        uri=str(scans), preparation=types_pb2.Preparation(size=32, bad_share=0.9)
    )
    source = fill_source(asked, [str(scans)])
    sets = set()
    for key in (KEY, KEY[::-1]):
        place.settings.pseudonym_key.write_bytes(key)
        made = place.make("preparation", source).result["dataset"]
        sets.add(made)
        artifact = place.storage.get("datasets", made.partition("/")[2])
        assert hashlib.sha256(key).hexdigest()[:16] not in repr(artifact.manifest)
    assert len(sets) == 2


def test_a_training_waits_for_the_set_that_its_preparation_makes(
    place: Workplace, scans: Path
) -> None:
    data = types_pb2.DataSource(
        uri=str(scans), preparation=types_pb2.Preparation(size=32, bad_share=0.9)
    )
    gan = types_pb2.GanSpecification(preset="hinge", batch_size=4)
    asked = trainer_pb2.TrainingSpecification(data=data, gan=gan, images=400)
    name = place.store.create("training", fill_training(asked, [str(scans)])).name
    place.supervisor.run(name)
    waiting = place.store.get(name)
    assert waiting.error is None
    (child,) = waiting.children
    assert place.finish(child).state == JobState.JOB_STATE_SUCCEEDED

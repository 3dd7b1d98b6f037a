"""Who the patients are goes no further than the reader: not into artifacts, logs or events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medsynth.platform.jobs.record import JobRecord
from medsynth.platform.sources import fill_source
from medsynth.v1 import types_pb2
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
         "20170523", "holzfuchs", "kx-7731904")  # fmt: skip


@pytest.fixture
def place(
    redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workplace]:
    more = {"data_roots": json.dumps([str(tmp_path)])}
    workplace = Workplace(tmp_path / "home", redis_server.url, monkeypatch, more)
    yield workplace
    workplace.close()


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Four patients, each in a folder of his name; the last one's files cannot be used."""
    values = np.random.Generator(np.random.Philox(1)).integers(0, 900, (4, 48, 48))
    for number in range(4):
        who: dict[str, Any] = {**TELLING, "PatientID": f"KX-773190{number}4"}
        who["SeriesInstanceUID"] = f"1.2.826.0.1.3680043.8.498.{number}"
        images = series(values.astype(np.int16), **who)
        folder = tmp_path / "scans" / f"Zwirnhuber_Xaverius_{number}"
        written = write_series(folder, images, [f"KX-773190{number}4.{k}.dcm" for k in range(4)])
        drawn = np.zeros((4, 48, 48), np.uint8)
        drawn[:, 10:30, 10:30] = 1
        write_series(folder, [segmentation(images, {"Liver": drawn})], ["segments.dcm"])
        if number == 3:
            for file in written:
                file.write_bytes(file.read_bytes()[:-100])
    return tmp_path / "scans"


def everything(workplace: Workplace, records: list[JobRecord]) -> Iterator[tuple[str, str]]:
    """Whatever could have kept it, with a name for it."""
    for file in workplace.settings.home.rglob("*"):
        if file.is_file():
            yield str(file), file.read_bytes().decode("latin-1")
            yield f"the name of {file}", str(file)
    redis = workplace.store.redis
    for key in redis.keys("*"):
        yield f"Redis {key!r}", repr((key, redis.dump(key)))
    for record in records:
        yield record.name, repr(record)
        for event in workplace.store.watch(record.name):
            yield f"an event of {record.name}", repr(event)


def test_nobody_is_found_in_artifacts_logs_and_events(
    place: Workplace, scans: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    asked = types_pb2.DataSource(
        uri=str(scans), preparation=types_pb2.Preparation(size=32, bad_share=0.5)
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
    assert artifact.manifest.metadata["problems"] >= 1
    said = [*everything(place, [prepared, inspected, refused])]
    said.append(("what was printed", repr(capfd.readouterr())))
    assert len(said) > 50
    for name, text in said:
        found = [word for word in WORDS if word in text.lower()]
        assert not found, f"{found} in {name}"

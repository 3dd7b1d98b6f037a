from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from medsynth.data.inspection import Inspection
from medsynth.data.inspection_page import render_inspection
from medsynth.data.inspection_tally import Tally, bounded
from medsynth.data.readers.interface import Problem, Scan, Survey
from medsynth.data.source import Source
from medsynth.data.volume import Volume
from medsynth.errors import AbortedError
from medsynth.v1 import trainer_pb2


def made(scans: list[Scan], forms: Sequence[Volume], remarks: Sequence[str] = ()) -> Inspection:
    """What these volumes of these scans amount to."""
    tally = Tally(Survey(scans, (), remarks=remarks), ())
    for scan, volume in zip(scans, forms, strict=True):
        tally.add(volume, scan.patient, place=0)
    return tally.result(Source("phantom://cardiac"), "made", lambda: None)


def noise(scan: Scan, number: int, remarks: tuple[str, ...] = ()) -> Volume:
    images = np.random.Generator(np.random.Philox(number)).random((1, 1, 20, 20), np.float32)
    return Volume(scan.patient, scan.name, "", images, None, None, remarks=remarks)


def test_remarks_on_the_set_come_before_those_on_volumes() -> None:
    scans = [Scan(f"p{k % 2}", f"scan{k}", ()) for k in range(250)]
    volumes = [noise(scan, k, ("odd",)) for k, scan in enumerate(scans)]
    remarks = made(scans, volumes, ["a set"]).remarks
    assert "patients cannot be divided as asked" in remarks[0]
    assert remarks[1:3] == ("a set", "scan0: odd")
    assert len(remarks) == 201
    assert remarks[-1] == "and 52 more remarks"


def test_a_patient_in_two_official_parts_is_said() -> None:
    scans = [Scan(f"p{k}", f"scan{k}", (), "training" if k < 4 else "testing") for k in range(6)]
    scans.append(Scan("p0", "again", (), "testing"))
    found = made(scans, [noise(scan, k) for k, scan in enumerate(scans)])
    assert "such as p0, are in several parts" in found.remarks[0]
    assert [(part.name, part.patients) for part in found.parts] == [("testing", 2), ("training", 3)]


def test_an_inspection_fits_into_a_message() -> None:
    """However many patients, groups, problems and duplicates there are, with long names."""
    scans = [Scan(f"{k}" * 40, f"scan {k}" * 40, ()) for k in range(10_000, 14_000)]
    tally = Tally(Survey(scans, ()), ())
    tally.problems += [Problem(f"{k}" * 50, "torn " * 100) for k in range(3000)]
    for scan in scans:
        volume = replace(noise(scan, 1), group=scan.patient, remarks=("odd " * 100,))
        tally.add(volume, scan.patient, place=0)
    found = tally.result(Source("phantom://cardiac"), "made", lambda: None)
    message = json_format.ParseDict(found.to_mapping(), trainer_pb2.Inspection())
    assert message.ByteSize() < 3 * 2**20
    assert (found.patients, found.problem_count) == (4000, 3000)
    for many in ("listed patients", "duplicates", "problems", "groups"):
        assert f"There are more {many} than are told." in found.remarks


@given(st.lists(st.text(max_size=20), max_size=20), st.integers(0, 20), st.integers(0, 300))
def test_what_is_kept_is_bounded(texts: list[str], count: int, size: int) -> None:
    kept, more = bounded(texts, count, size)
    assert list(kept) == texts[: len(kept)]
    assert more == (len(kept) < len(texts))
    assert len(kept) <= count
    assert sum(len(json.dumps(text)) for text in kept) <= size


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 3, 2, 60_000), (3, 1, 700, 5)])
@pytest.mark.parametrize("values", [(-3e38, 3e38), (0, 0), (1e-30, 2e-30), (-1000, 3000)])
def test_any_volume_can_be_shown(shape: tuple[int, ...], values: tuple[float, float]) -> None:
    images = np.linspace(*values, int(np.prod(shape))).astype(np.float32).reshape(shape)
    masks = (images[:, 0] > 0).astype(np.uint8)
    tally = Tally(Survey([Scan("p", "scan", ())], ()), ("background", "a"))
    tally.add(Volume("p", "scan", "", images, masks, None), "p", place=0)
    found = tally.result(Source("phantom://cardiac"), "made", lambda: None)
    json_format.ParseDict(json.loads(json.dumps(found.to_mapping())), trainer_pb2.Inspection())
    (thumbnail,) = tally.thumbnails
    assert thumbnail.mask is not None
    assert thumbnail.image.shape[1] == thumbnail.image.shape[2] <= 160
    assert thumbnail.mask.shape == thumbnail.image.shape[1:]
    assert "p" in render_inspection(found, tally.thumbnails)


def test_comparing_slices_can_be_stopped() -> None:
    scans = [Scan(f"p{k}", f"scan{k}", ()) for k in range(3)]
    tally = Tally(Survey(scans, ()), ())
    for number, scan in enumerate(scans):
        tally.add(noise(scan, number), scan.patient, place=0)

    def stop() -> None:
        raise AbortedError("stop")

    with pytest.raises(AbortedError):
        tally.result(Source("phantom://cardiac"), "made", stop)

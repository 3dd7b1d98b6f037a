"""Errors name the flag to type beside the field of the contract."""

from __future__ import annotations

import pytest

from medsynth.cli.flag_names import with_flags
from medsynth.errors import DataError, FieldViolation, InvalidArgumentError
from medsynth.v1 import jobs_pb2
from tests.cli.conftest import Medsynth
from tests.cli.services import Services

TRAIN = ("train", "--data", "/scans", "--gan", "hinge")
PREPARATION = "specification.data.preparation"


@pytest.mark.parametrize(
    ("words", "field", "flag"),
    [
        (TRAIN, f"{PREPARATION}.size", "--size"),
        (TRAIN, f"{PREPARATION}.crop_share", "--crop-share"),
        (TRAIN, f"{PREPARATION}.assignment.test", "--split-file"),
        (TRAIN, "specification.data.options.mask_values", "--mask-values"),
        (TRAIN, "specification.data.uri", "--data"),
        (TRAIN, "specification.gan.preset", "--gan"),
        (TRAIN, "specification.gan.batch_size", "--set batch_size=..."),
        (TRAIN, "specification.seed", "--seed"),
        (("data", "prepare", "--data", "/scans"), "specification.preparation.size", "--size"),
        (("draw", "heart"), "specification.statement.number", "--number"),
        (("draw", "heart"), "specification.first_index", "--first"),
        (("draw", "heart"), "specification.generator", ""),
        (("jobs", "watch", "e1"), f"{PREPARATION}.size", ""),
    ],
)
def test_a_job_s_error_names_the_flag_of_the_command(
    medsynth: Medsynth, services: Services, words: tuple[str, ...], field: str, flag: str
) -> None:
    services.outcome = jobs_pb2.JOB_STATE_FAILED
    services.error = InvalidArgumentError.field(field, 1, "another value")
    if words[0] == "jobs":
        medsynth("evaluate", "heart", "--detach")
    shown = f"{field} ({flag}): 1 is not accepted" if flag else f"{field}: 1 is not accepted"
    assert shown in medsynth(*words).err


def test_a_refusal_names_the_flag_for_people_and_the_field_for_programs(
    medsynth: Medsynth, services: Services
) -> None:
    refused = ("train", "--data", "phantom://cardiac", "--gan", "nogan")
    assert "specification.gan.preset (--gan): 'nogan' is not accepted" in medsynth(*refused).err
    (violation,) = medsynth(*refused, "--json").json["error"]["violations"]
    assert violation["field"] == "specification.gan.preset"


def test_fields_that_begin_alike_are_told_apart() -> None:
    error = DataError(
        "a.crop_share and a.crop do not go together, says a.crop.",
        violations=[FieldViolation("a.crop", "none"), FieldViolation("a.crop_share", "0.5")],
    )
    named = with_flags(error, {"crop": "--crop", "crop_share": "--crop-share"})
    assert isinstance(named, DataError)
    assert named.message == (
        "a.crop_share (--crop-share) and a.crop (--crop) do not go together, says a.crop."
    )
    assert [v.field for v in named.violations] == ["a.crop (--crop)", "a.crop_share (--crop-share)"]

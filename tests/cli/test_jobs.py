from __future__ import annotations

import pytest

from medsynth.v1 import jobs_pb2
from tests.cli.conftest import Medsynth
from tests.cli.services import Services


@pytest.fixture(autouse=True)
def _jobs(services: Services, medsynth: Medsynth) -> None:
    medsynth("train", "--data", "phantom://cardiac", "--gan", "hinge", "--seed", 3)
    medsynth("evaluate", "heart", "--detach")


def test_list_shows_all_kinds(medsynth: Medsynth) -> None:
    out = medsynth("jobs", "list").out
    names = [line.split()[0] for line in out.splitlines() if "Jobs/" in line]
    assert names == ["evaluationJobs/e1", "trainingJobs/t1", "preparationJobs/p1"]
    assert "1,200 of 50,000 images" in out


def test_list_of_some(medsynth: Medsynth) -> None:
    ran = medsynth("jobs", "list", "--kind", "training", "--kind", "evaluation", "--json")
    assert [job["name"] for job in ran.json["jobs"]] == ["evaluationJobs/e1", "trainingJobs/t1"]
    ran = medsynth("jobs", "list", "--state", "queued", "--json")
    assert [job["name"] for job in ran.json["jobs"]] == ["evaluationJobs/e1"]
    ran = medsynth("jobs", "list", "--limit", 1, "--json")
    assert [job["name"] for job in ran.json["jobs"]] == ["evaluationJobs/e1"]
    ran = medsynth("jobs", "list", "--state", "failed")
    assert (ran.out, ran.err) == ("", "no jobs\n")


def test_show(medsynth: Medsynth) -> None:
    document = medsynth("jobs", "show", "t1", "--json").json
    assert document["status"]["state"] == "SUCCEEDED"
    assert document["status"]["create_time"].startswith("2023-11-14T22:13:2")
    assert document["status"]["children"] == ["preparationJobs/p1"]
    assert document["specification"]["seed"] == 3
    assert document["specification"]["images"] is None
    out = medsynth("jobs", "show", "t1").out
    assert "generators/heart" in out
    assert "uri" in out


def test_watch_prints_what_the_job_made(medsynth: Medsynth) -> None:
    assert medsynth("jobs", "watch", "e1").out == "reports/r1\n"
    assert medsynth("jobs", "watch", "e1", "--json").json["report"] == "reports/r1"


def test_watching_a_job_that_failed_fails(medsynth: Medsynth, services: Services) -> None:
    services.outcome = jobs_pb2.JOB_STATE_FAILED
    ran = medsynth("jobs", "watch", "e1")
    assert ran.code == 3
    assert "evaluationJobs/e1: patient007 has no mask" in ran.err
    shown = medsynth("jobs", "show", "e1", "--json").json["status"]
    assert shown["error"]["reason"] == "UNUSABLE_DATA"


def test_cancel_and_delete(medsynth: Medsynth, services: Services) -> None:
    assert medsynth("jobs", "cancel", "e1").out == "evaluationJobs/e1 cancelled\n"
    assert medsynth("jobs", "delete", "e1").out == "evaluationJobs/e1 deleted\n"
    assert medsynth("jobs", "delete", "t1", "--json").json == {"deleted": "trainingJobs/t1"}
    assert list(services.jobs) == ["preparationJobs/p1"]


@pytest.mark.parametrize("verb", ["show", "watch", "cancel", "delete"])
def test_a_job_that_is_not_there(medsynth: Medsynth, verb: str) -> None:
    assert medsynth("jobs", verb, "nothing").code == 2
    ran = medsynth("jobs", verb, "trainingJobs/nothing", "--json")
    assert ran.code == 2
    assert ran.json["error"]["code"] == "NOT_FOUND"

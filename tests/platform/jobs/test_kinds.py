from __future__ import annotations

import subprocess
import sys

import pytest

from medsynth.errors import DataError
from medsynth.platform.jobs.kinds import KINDS, QUEUES, load_kinds, parse_specification
from medsynth.v1 import evaluator_pb2, sampler_pb2, trainer_pb2, types_pb2
from tests.platform.jobs import echo

HEAVY = ("torch", "nibabel", "PIL", "onnxruntime", "matplotlib", "monai", "scipy")


def test_the_kinds_of_the_contract() -> None:
    assert {name: (kind.collection, kind.queue) for name, kind in KINDS.items()} == {
        "preparation": ("preparationJobs", "light"),
        "inspection": ("inspectionJobs", "light"),
        "training": ("trainingJobs", "gpu"),
        "synthetic_dataset": ("syntheticDatasetJobs", "light"),
        "evaluation": ("evaluationJobs", "gpu"),
    }
    assert {name: kind.message_class for name, kind in KINDS.items()} == {
        "preparation": types_pb2.DataSource,
        "inspection": types_pb2.DataSource,
        "training": trainer_pb2.TrainingSpecification,
        "synthetic_dataset": sampler_pb2.SyntheticDatasetSpecification,
        "evaluation": evaluator_pb2.EvaluationSpecification,
    }
    assert all(name == kind.name and kind.queue in QUEUES for name, kind in KINDS.items())


def test_kinds_by_reference() -> None:
    assert load_kinds("tests.platform.jobs.echo:KINDS") is echo.KINDS


def test_what_is_no_specification() -> None:
    with pytest.raises(DataError):
        parse_specification("medsynth.v1.DataSource", b"\xff\xff\xff")


@pytest.mark.parametrize("module", ["worker", "reconciler", "resource", "child"])
def test_no_process_around_a_job_imports_what_jobs_are_made_of(module: str) -> None:
    code = (
        f"import sys, medsynth.platform.jobs.{module}\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
        "print([name for name in ('redis', 'celery') if name in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    assert out[0] == "[]"
    if module == "child":
        assert out[1] == "[]", "a child has no way to the store but its supervisor"

"""The schema: generated code is fresh, every field is documented, names follow the rules."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2

ROOT = Path(__file__).parents[2]
PROTOS = sorted((ROOT / "proto" / "medsynth" / "v1").glob("*.proto"))


def run_protoc(*arguments: str) -> None:
    includes = [f"--proto_path={ROOT / 'proto'}", f"--proto_path={sysconfig.get_path('purelib')}"]
    command = [sys.executable, "-m", "grpc_tools.protoc", *includes, *arguments]
    subprocess.run([*command, *map(str, PROTOS)], check=True)


def test_the_generated_code_is_fresh(tmp_path: Path) -> None:
    run_protoc(*(f"--{kind}_out={tmp_path}" for kind in ("python", "pyi", "grpc_python")))
    committed = ROOT / "services"
    for path in sorted(tmp_path.rglob("*.py*")):
        relative = path.relative_to(tmp_path)
        assert path.read_text() == (committed / relative).read_text(), f"{relative}: `make proto`"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[descriptor_pb2.FileDescriptorProto]:
    path = tmp_path_factory.mktemp("descriptors") / "set.pb"
    run_protoc("--include_source_info", f"--descriptor_set_out={path}")
    return list(descriptor_pb2.FileDescriptorSet.FromString(path.read_bytes()).file)


def commented(file: descriptor_pb2.FileDescriptorProto) -> set[tuple[int, ...]]:
    return {tuple(at.path) for at in file.source_code_info.location if at.leading_comments.strip()}


def test_every_field_says_what_it_is(files: list[descriptor_pb2.FileDescriptorProto]) -> None:
    """Of what clients send to the trainer and get from it, and of every specification."""
    silent = []
    for file in files:
        comments = commented(file)
        for m, message in enumerate(file.message_type):
            whole = file.name.endswith(("/types.proto", "/trainer.proto"))
            if not whole and not message.name.endswith("Specification"):
                continue
            silent += [
                f"{message.name}.{field.name}"
                for f, field in enumerate(message.field)
                if (4, m, 2, f) not in comments and (whole or field.name not in {"data", "gan"})
            ]
    assert silent == []


def test_every_job_has_the_same_six_methods(
    files: list[descriptor_pb2.FileDescriptorProto],
) -> None:
    messages = {message.name for file in files for message in file.message_type}
    methods = {
        method.name for file in files for service in file.service for method in service.method
    }
    jobs = {name for name in messages if re.fullmatch(r"[A-Z]\w*Job", name)}
    assert jobs == {
        *("PreparationJob", "InspectionJob", "TrainingJob", "SyntheticDatasetJob"),
        "EvaluationJob",
    }
    of_data_sets = {"PreparationJob": "PrepareDataset", "InspectionJob": "InspectDataset"}
    for job in jobs:
        create = of_data_sets.get(job, f"Create{job}")
        assert {
            create,
            f"Get{job}",
            f"List{job}s",
            f"Cancel{job}",
            f"Watch{job}",
            f"Delete{job}",
        } <= methods

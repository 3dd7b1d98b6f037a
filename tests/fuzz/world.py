"""What the fuzzed servers find: artifacts, jobs in every state, and folders of all kinds."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

import medsynth.evaluator.names as evaluator_names
from medsynth.data import readers
from medsynth.data.preparation_checks import (
    CROPS,
    FITS,
    INTENSITIES,
    ORIENTATIONS,
    SLICING,
    SPLITS,
)
from medsynth.data.writers.registry import FORMATS
from medsynth.errors import NotFoundError
from medsynth.gans.presets import PRESETS
from medsynth.gans.specification import (
    ACTIVATIONS,
    NORMALISATIONS,
    OBJECTIVES,
    PRECISIONS,
    WEIGHT_INITS,
)
from medsynth.platform import artifacts
from medsynth.platform.jobs.store import JobStore
from medsynth.platform.rpc.pages import write_token
from medsynth.storage import Storage
from medsynth.v1 import evaluator_pb2, sampler_pb2, trainer_pb2, types_pb2
from tests.evaluator.reports import example_report
from tests.fuzz.calls import methods
from tests.fuzz.messages import Words
from tests.sampler import graphs
from tests.services import Services

_PHANTOM: Final = "phantom://cardiac?patients=5&slices=4"
_SOURCE: Final = types_pb2.DataSource(
    uri=_PHANTOM, preparation=types_pb2.Preparation(size=32, crop="centre", intensity="percentiles")
)
_TRAINING: Final = trainer_pb2.TrainingSpecification(
    data=_SOURCE, gan=types_pb2.GanSpecification(preset="hinge"), images=10
)

KNOWN: Final[Mapping[str, Sequence[str]]] = {
    "preset": tuple(PRESETS),
    "architecture": ("dcgan",),
    "objective": OBJECTIVES,
    "generator_activation": ACTIVATIONS,
    "discriminator_activation": ACTIVATIONS,
    "generator_normalisation": NORMALISATIONS,
    "discriminator_normalisation": NORMALISATIONS,
    "weight_init": WEIGHT_INITS,
    "optimiser": ("adam", "rmsprop"),
    "precision": PRECISIONS,
    "reader": ("", *readers.NAMES),
    "crop": CROPS,
    "intensity": INTENSITIES,
    "orientation": ORIENTATIONS,
    "slicing": SLICING,
    "fit": FITS,
    "split": SPLITS,
    "format": FORMATS,
    "metrics": evaluator_names.METRICS,
    "regimes": evaluator_names.REGIMES,
    "request_id": ("", "once", "twice", "x" * 64, "x" * 65, "a b", "."),
    "after_event_id": ("0-0", "", "1-1", f"{2**64 - 1}-0", f"{2**64}-0", "99999999999999999999-1"),
}


class World:
    """Makes what is missing before every round; what a round deletes comes back.

    Args:
        services: Running; nobody works on their jobs.
    """

    def __init__(self, services: Services) -> None:
        self._storage = Storage(services.settings.storage)
        self._store = JobStore(
            services.settings.redis_url, services.settings, announce=lambda queue, name: None
        )
        self._root = services.home / "data"
        self._folders = _make_folders(self._root)
        self._jobs: dict[str, dict[str, str]] = {}

    def refresh(self) -> None:
        """Makes what is missing."""
        self._make_artifacts()
        for kind, specification in self._specifications().items():
            jobs = self._jobs.setdefault(kind, {})
            for state in ("queued", "running", "succeeded", "cancelled"):
                if not self._is(jobs.get(state, ""), state):
                    jobs[state] = self._make_job(kind, state, specification)

    @property
    def names(self) -> list[str]:
        """Of every resource."""
        found = [
            artifacts.resource_name(artifact)
            for collection in (
                *("datasets", "inspections", "generators", "syntheticDatasets", "reports"),
            )
            for artifact in self._storage.list(collection)
        ]
        return found + [name for jobs in self._jobs.values() for name in jobs.values()]

    def words(self) -> Words:
        """Strings that the servers know."""
        names = self.names
        paths = [*self._folders, "/", "/etc/passwd", "/proc/self/mem", "//", "/" + "a" * 300]
        outside = str(self._root / ".." / ".." / "etc")
        uris = [
            *(_PHANTOM, "phantom://", "phantom://cardiac?seed=-1", "phantom://cardiac?" + "&" * 99),
            *("/a" * 2000, "/a" * 5000),
        ]
        odd = ["..", "../..", "a/../b", "%s%n", "\0", "s3://bucket", "file:///etc", "http://[", "'"]
        missing = [re.sub("/.*", "/none", name) for name in names]
        tokens = [write_token(("9", "x"), "generators"), write_token(("1",), "trainingJobs"), "AAA"]
        by_field = {
            **KNOWN,
            **dict.fromkeys(("name", "generator", "synthetic_dataset_job"), names + missing),
            **{field: [*uris, *paths, outside] for field in ("uri", "folder")},
            "page_token": [write_token(("1",), "preparationJobs"), *tokens],
        }
        return Words(by_field, [*names, *missing, *paths, *uris, *odd, *tokens, outside])

    def templates(self) -> dict[str, Sequence[Message]]:
        """Requests that would be accepted, by the full name of their message."""
        evaluation = evaluator_pb2.EvaluationSpecification(generator="generators/small")
        folder = evaluator_pb2.EvaluationSpecification(folder=self._folders[0], data=_SOURCE)
        drawing = sampler_pb2.SyntheticDatasetSpecification(generator="generators/small", count=9)
        created: list[Message] = [
            trainer_pb2.PrepareDatasetRequest(specification=_SOURCE),
            trainer_pb2.CreateTrainingJobRequest(specification=_TRAINING),
            sampler_pb2.SampleRequest(generator="generators/small", count=5),
            sampler_pb2.CreateSyntheticDatasetJobRequest(specification=drawing),
            evaluator_pb2.CreateEvaluationJobRequest(specification=evaluation),
            evaluator_pb2.CreateEvaluationJobRequest(specification=folder),
        ]
        templates = self._named()
        for message in created:
            templates.setdefault(message.DESCRIPTOR.full_name, []).append(message)
        return dict(templates)

    def _named(self) -> dict[str, list[Message]]:
        """Requests about a resource: with the name of each that there is."""
        templates: dict[str, list[Message]] = {}
        for _, method in methods():
            kind = re.sub("^[A-Z][a-z]+|Request$", "", method.input_type.name)
            if "name" in method.input_type.fields_by_name:
                make = GetMessageClass(method.input_type)
                collection = f"{kind[:1].lower()}{kind[1:]}s/"
                named = [make(name=name) for name in self.names if name.startswith(collection)]
                assert named, f"nothing in {collection}"
                templates[method.input_type.full_name] = named
        return templates

    def _specifications(self) -> dict[str, Message]:
        return {
            "preparation": _SOURCE,
            "inspection": _SOURCE,
            "training": _TRAINING,
            "synthetic_dataset": sampler_pb2.SyntheticDatasetSpecification(
                generator="generators/small", count=9, format="png"
            ),
            "evaluation": evaluator_pb2.EvaluationSpecification(
                generator="generators/small", data=_SOURCE, count=9
            ),
        }

    def _is(self, name: str, state: str) -> bool:
        try:
            record = self._store.get(name) if name else None
        except NotFoundError:
            return False
        return record is not None and (record.ended == (state in ("succeeded", "cancelled")))

    def _make_job(self, kind: str, state: str, specification: Message) -> str:
        name = self._store.create(kind, specification).name
        if state == "cancelled":
            self._store.cancel(name)
        elif state != "queued":
            claim = self._store.claim(name, "nobody")
            assert claim is not None
            self._store.message(claim, "begun")
            if state == "succeeded":
                self._store.succeed(claim, {})
        return name

    def _make_artifacts(self) -> None:
        for identifier, channels in (("small", 1), ("wide", 2)):
            if self._storage.find(artifacts.GENERATORS, identifier) is None:
                graphs.publish(self._storage, identifier, channels=channels)
        dataset = types_pb2.Dataset(source=_SOURCE, channels=1, size=32)
        report = json_format.MessageToJson(example_report(), preserving_proto_field_name=True)
        report_files = {
            artifacts.REPORT_FILE: report.encode(),
            artifacts.REPORT_PAGE: b"<!doctype html>" + b" " * 10**6,
        }
        inspection = json_format.MessageToJson(trainer_pb2.Inspection(reader="acdc"))
        inspection_files = {
            artifacts.INSPECTION_FILE: inspection.encode(),
            artifacts.INSPECTION_PAGE: b"<!doctype html>" + b" " * 10**6,
        }
        drawn = {"generator": "generators/small"}
        self._publish(artifacts.DATASETS, "d1", artifacts.dataset_metadata(dataset), {})
        self._publish(artifacts.SYNTHETIC_DATASETS, "s1", drawn, {"images/0.png": b""})
        self._publish(artifacts.REPORTS, "r1", {"subject": "generators/small"}, report_files)
        self._publish(artifacts.INSPECTIONS, "i1", {}, inspection_files)

    def _publish(
        self,
        collection: str,
        identifier: str,
        metadata: Mapping[str, object],
        files: Mapping[str, bytes],
    ) -> None:
        if self._storage.find(collection, identifier) is None:
            draft = self._storage.draft(collection, identifier, "a1")
            for path, content in files.items():
                draft.write(path, content)
            self._storage.publish(draft, metadata)


def _make_folders(root: Path) -> list[str]:
    """Inside the roots: samples, the layout of ACDC, nothing, a file, links of all kinds."""
    root.mkdir()
    (root / "samples" / "images").mkdir(parents=True)
    (root / "samples" / "images" / "0.png").write_bytes(b"no picture")
    for number in (1, 2, 3):
        patient = root / "acdc" / f"patient{number:03d}"
        patient.mkdir(parents=True)
        for suffix in ("", "_gt"):
            (patient / f"{patient.name}_frame01{suffix}.nii.gz").write_bytes(b"no volume")
    twice = root / "acdc_twice"
    for part in ("training", "testing"):
        (twice / part / "patient001").mkdir(parents=True)
    unmasked = root / "unmasked" / "patient001"
    unmasked.mkdir(parents=True)
    (unmasked / "patient001_frame01.nii").write_bytes(b"")
    (root / "empty").mkdir()
    (root / "file").write_bytes(b"x")
    (root / "line\nfeed \N{ANATOMICAL HEART}").mkdir()
    (root / "loop").symlink_to("loop")
    (root / "out").symlink_to("/etc")
    (root / "dangling").symlink_to("nowhere")
    os.mkfifo(root / "pipe")
    return [str(root), *(str(path) for path in sorted(root.iterdir()))]

"""What a worker's child process runs for the evaluator: `python -m medsynth.evaluator.work JOB`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from google.protobuf import json_format

from medsynth.data.source import dataset_id, resolve
from medsynth.platform import artifacts
from medsynth.platform.jobs.child import ChildJob, Done, JobContext, WaitFor, Yielded, run
from medsynth.platform.sources import LIBRARY_FIELD, moved_fields, readable_source
from medsynth.storage import Artifact
from medsynth.v1 import evaluator_pb2, sampler_pb2, types_pb2

if TYPE_CHECKING:
    from medsynth.data.prepared import PreparedSet
    from medsynth.evaluator.subject import Synthetic

Outcome = Done | WaitFor | Yielded


def evaluation(ctx: JobContext) -> Outcome:
    """Scores synthetic images against real ones and publishes the report.

    Result: `report`, its name.
    """
    specification: evaluator_pb2.EvaluationSpecification = ctx.specification
    published = ctx.storage.find(artifacts.REPORTS, _id(ctx.name))
    if published is not None:
        return Done({"report": artifacts.resource_name(published)})
    generator = _generator(ctx, specification)
    dataset, preparation = _dataset(ctx, specification.data, generator)
    images, drawing = _images(ctx, specification, generator)
    children = [child for child in (preparation, drawing) if child is not None]
    if dataset is None or children:
        return WaitFor(children)
    report = _evaluate(ctx, specification, generator, dataset, images)
    return Done({"report": artifacts.resource_name(report)})


def _generator(
    ctx: JobContext, specification: evaluator_pb2.EvaluationSpecification
) -> Artifact | None:
    """The generator that is scored."""
    if not specification.generator:
        return None
    return ctx.storage.get(artifacts.GENERATORS, _id(specification.generator))


def _dataset(
    ctx: JobContext, data: types_pb2.DataSource, generator: Artifact | None
) -> tuple[Artifact | None, ChildJob | None]:
    """The prepared set, or the job that makes it."""
    if generator is not None:
        made_from = artifacts.generator_message(generator)
        if made_from.source == data:
            # The very set that it learned from, even if the source's files changed since.
            own = ctx.storage.find(artifacts.DATASETS, _id(made_from.dataset))
            if own is not None:
                return own, None
    with moved_fields("specification", LIBRARY_FIELD):
        results = ctx.child_results("preparation")
    if results:
        made = ctx.storage.find(artifacts.DATASETS, _id(results[-1].result["dataset"]))
        if made is not None:
            return made, None
    source = readable_source(data, ctx.settings)
    identifier = dataset_id(source, ctx.settings.data_roots)
    made = ctx.storage.find(artifacts.DATASETS, identifier)
    return made, None if made else ChildJob("preparation", data, share_key=identifier)


def _images(
    ctx: JobContext,
    specification: evaluator_pb2.EvaluationSpecification,
    generator: Artifact | None,
) -> tuple[Artifact | None, ChildJob | None]:
    """The synthetic data set, or the job that draws it; neither for a folder."""
    if specification.synthetic_dataset_job:
        identifier = _id(specification.synthetic_dataset_job)
        return ctx.storage.get(artifacts.SYNTHETIC_DATASETS, identifier), None
    if generator is None:
        return None, None
    results = ctx.child_results("synthetic_dataset")
    if results:
        drawn = ctx.storage.find(artifacts.SYNTHETIC_DATASETS, _id(results[-1].result["artifact"]))
        if drawn is not None:
            return drawn, None
    draw = sampler_pb2.SyntheticDatasetSpecification(
        generator=specification.generator,
        count=specification.count,
        seed=specification.seed,
        first_index=0,
        format="npz",
    )
    key = f"{generator.manifest.digest}:{draw.count}:{draw.seed}:{draw.format}"
    return None, ChildJob("synthetic_dataset", draw, share_key=key)


def _evaluate(
    ctx: JobContext,
    specification: evaluator_pb2.EvaluationSpecification,
    generator: Artifact | None,
    dataset: Artifact,
    images: Artifact | None,
) -> Artifact:
    from medsynth.data.prepared import PreparedSet
    from medsynth.evaluator.subject import check_match

    prepared = PreparedSet.open(dataset, ctx.scratch / "dataset")
    synthetic = _read_subject(ctx, specification, generator, images)
    check_match(synthetic, prepared)

    # Loads PyTorch, after all that may be refused.
    from medsynth.evaluator import scores
    from medsynth.evaluator.results import Results, content_key

    key = content_key(prepared.digest, synthetic.images, synthetic.masks)
    bench = scores.Bench(
        device=ctx.settings.device,
        weights=ctx.settings.weights,
        download=ctx.settings.weights_download,
        on_progress=lambda done, total, unit, phase, metrics: ctx.progress(
            done, total, unit, metrics, phase
        ),
        should_stop=ctx.stop_requested,
        results=Results(ctx.work_folder / "results", key),
    )
    report = evaluator_pb2.Report(
        name=f"{artifacts.REPORTS}/{_id(ctx.name)}",
        evaluation_job=ctx.name,
        dataset=artifacts.resource_name(dataset),
        subject=synthetic.name,
        subject_digest=synthetic.digest,
        scores=scores.compute(specification, prepared, synthetic, bench),
    )
    report.create_time.GetCurrentTime()
    ctx.message("writing the report")
    page = _page(ctx, report, dataset, prepared, synthetic, generator or _origin(ctx, images))
    document = json_format.MessageToJson(report, preserving_proto_field_name=True)
    with ctx.storage.drafted(artifacts.REPORTS, _id(ctx.name), ctx.attempt_name) as draft:
        draft.write(artifacts.REPORT_FILE, document.encode() + b"\n")
        draft.write(artifacts.REPORT_PAGE, page.encode())
        published = ctx.publish(
            draft,
            {
                "evaluation_job": ctx.name,
                "dataset": report.dataset,
                "subject": report.subject,
                "subject_digest": report.subject_digest,
            },
        )
    shutil.rmtree(ctx.work_folder, ignore_errors=True)
    return published


def _read_subject(
    ctx: JobContext,
    specification: evaluator_pb2.EvaluationSpecification,
    generator: Artifact | None,
    images: Artifact | None,
) -> Synthetic:
    from medsynth.evaluator import subject

    if images is None:
        path = Path(resolve(specification.folder, ctx.settings.data_roots))
        subject.check_links(path, ctx.settings.data_roots)
        return subject.read(specification.folder, "", path, specification.count)
    path = images.fetch(ctx.scratch / "synthetic")
    if generator is not None:
        name, digest = specification.generator, generator.manifest.digest
    else:
        name, digest = specification.synthetic_dataset_job, images.manifest.digest
    return subject.read(name, digest, path, specification.count)


def _page(
    ctx: JobContext,
    report: evaluator_pb2.Report,
    dataset: Artifact,
    prepared: PreparedSet,
    synthetic: Synthetic,
    generator: Artifact | None,
) -> str:
    from medsynth.evaluator.report import Material, evenly, render
    from medsynth.evaluator.subject import training_curve

    train = prepared.split("train")
    rows = evenly(len(train.images))
    shown = slice(len(rows))
    material = Material(
        dataset=artifacts.dataset_message(dataset),
        real_images=train.images[rows],
        real_masks=None if train.masks is None else train.masks[rows],
        synthetic_images=synthetic.images[shown],
        synthetic_masks=None if synthetic.masks is None else synthetic.masks[shown],
        curve=training_curve(generator, artifacts.CURVE_FILE),
    )
    return render(report, material)


def _origin(ctx: JobContext, images: Artifact | None) -> Artifact | None:
    """The generator that a synthetic data set was drawn from, if it is still there."""
    if images is None:
        return None
    name = str(images.manifest.metadata.get("generator", ""))
    return ctx.storage.find(artifacts.GENERATORS, _id(name)) if name else None


def _id(name: str) -> str:
    """Last part of a resource's name."""
    return name.rpartition("/")[2]


if __name__ == "__main__":
    run({"evaluation": evaluation})

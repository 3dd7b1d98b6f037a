"""What a worker's child process runs for the trainer: `python -m medsynth.trainer.work JOB`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from medsynth.data.source import dataset_id
from medsynth.errors import AbortedError, DataError, InvalidArgumentError
from medsynth.gans.latents import latents
from medsynth.platform import artifacts
from medsynth.platform.jobs.child import ChildJob, Done, JobContext, WaitFor, Yielded, run
from medsynth.platform.sources import LIBRARY_FIELD, moved_fields, readable_source
from medsynth.storage import Artifact
from medsynth.trainer.requests import to_run
from medsynth.v1 import trainer_pb2

if TYPE_CHECKING:
    from medsynth.data.prepared import PreparedSet
    from medsynth.gans.training import TrainingResult
    from medsynth.levels import Labels, Pixels

Outcome = Done | WaitFor | Yielded

_OWN_FIELD: Final = "specification"
"""Where the requests for preparations and inspections have their source."""
_GRID_IMAGES: Final = 64
_KEPT_FOLDERS: Final = ("grids", "tensorboard")


@moved_fields(LIBRARY_FIELD, _OWN_FIELD)
def preparation(ctx: JobContext) -> Outcome:
    """Makes the prepared set of a data source, unless it is there.

    Result: `dataset`, the set's name.
    """
    from medsynth.data.preparing import prepare

    source = readable_source(ctx.specification, ctx.settings)
    made = ctx.storage.find(artifacts.DATASETS, dataset_id(source, ctx.settings.data_roots))
    if made is None:
        try:
            made = prepare(
                source,
                ctx.storage,
                ctx.attempt_name,
                progress=_progress(ctx, "preparing"),
                publish=ctx.publish,
                roots=ctx.settings.data_roots,
                scratch=ctx.scratch,
                kept=ctx.checkpoints / "preparation",
            )
        except (DataError, InvalidArgumentError):
            # No other attempt follows, and no other job looks here for what was prepared.
            shutil.rmtree(ctx.work_folder, ignore_errors=True)
            raise
    shutil.rmtree(ctx.work_folder, ignore_errors=True)
    return Done({"dataset": artifacts.resource_name(made)})


@moved_fields(LIBRARY_FIELD, _OWN_FIELD)
def inspection(ctx: JobContext) -> Outcome:
    """Reads everything a source holds and says what it is.

    Result: `inspection`, its name.
    """
    from medsynth.data.inspecting import inspect
    from medsynth.data.inspection_page import render_inspection

    identifier = ctx.name.rpartition("/")[2]
    made = ctx.storage.find(artifacts.INSPECTIONS, identifier)
    if made is None:
        found, thumbnails = inspect(
            readable_source(ctx.specification, ctx.settings),
            progress=_progress(ctx, "reading"),
            roots=ctx.settings.data_roots,
            scratch=ctx.scratch,
        )
        with ctx.storage.drafted(artifacts.INSPECTIONS, identifier, ctx.attempt_name) as draft:
            draft.write(artifacts.INSPECTION_FILE, json.dumps(found.to_mapping()).encode())
            draft.write(artifacts.INSPECTION_PAGE, render_inspection(found, thumbnails).encode())
            made = ctx.publish(draft, {"source": found.source})
    return Done({"inspection": artifacts.resource_name(made)})


def _progress(ctx: JobContext, phase: str) -> Callable[[int, int], None]:
    def progress(done: int, total: int) -> None:
        if ctx.stop_requested():
            raise AbortedError("the job was told to stop")
        ctx.progress(done, total, "volumes", phase=phase)

    return progress


def training(ctx: JobContext) -> Outcome:
    """Trains a generator and publishes it.

    Result: `generator`, its name, and `weights_digest`.
    """
    specification: trainer_pb2.TrainingSpecification = ctx.specification
    if (published := _published_by(ctx)) is not None:
        return _done(published)
    source = readable_source(specification.data, ctx.settings)
    with moved_fields(_OWN_FIELD, LIBRARY_FIELD):
        results = ctx.child_results("preparation")
    identifier = (
        results[-1].result["dataset"].rpartition("/")[2]
        if results
        else dataset_id(source, ctx.settings.data_roots)
    )
    dataset = ctx.storage.find(artifacts.DATASETS, identifier)
    if dataset is None:
        return WaitFor([ChildJob("preparation", specification.data, share_key=identifier)])
    return _train(ctx, specification, dataset)


def _train(
    ctx: JobContext, specification: trainer_pb2.TrainingSpecification, dataset: Artifact
) -> Outcome:
    from medsynth.data.prepared import PreparedSet
    from medsynth.gans.training import TrainingStopped, train

    prepared = PreparedSet.open(dataset, ctx.scratch / "dataset")
    split = prepared.split("train")
    grids = ctx.work_folder / "grids"
    logs = ctx.work_folder / "tensorboard"
    grids.mkdir(parents=True, exist_ok=True)

    def on_progress(done: int, metrics: Mapping[str, float]) -> None:
        ctx.progress(done, specification.images, "images", metrics, phase="training")

    def on_grid(shown: int, images: Pixels, masks: Labels | None) -> None:
        (grids / f"{shown:010d}.png").write_bytes(_grid(images, masks))
        ctx.message(f"sample grid at {shown:,} images")

    # What an attempt that wrote none yet would lose is counted from its begin.
    ctx.checkpointed()
    try:
        result = train(
            to_run(specification),
            split.images,
            split.masks,
            len(prepared.classes),
            device=ctx.settings.device,
            checkpoints=ctx.checkpoints / dataset.manifest.id,
            on_progress=on_progress,
            on_grid=on_grid,
            on_checkpoint=ctx.checkpointed,
            log_dir=logs,
            should_stop=ctx.stop_requested,
        )
    except TrainingStopped:
        return Yielded()
    return _done(_publish(ctx, specification, dataset, prepared, result))


def _publish(
    ctx: JobContext,
    specification: trainer_pb2.TrainingSpecification,
    dataset: Artifact,
    prepared: PreparedSet,
    result: TrainingResult,
) -> Artifact:
    """Builds the generator's files and publishes them."""
    import torch

    from medsynth.gans.export import export_onnx
    from medsynth.gans.sampling import generate

    ctx.progress(result.images, specification.images, "images", result.metrics, phase="exporting")
    built = ctx.scratch / "generator"
    built.mkdir(parents=True, exist_ok=True)
    model = built / artifacts.MODEL_FILE
    export_onnx(
        result.generator, model, channels=prepared.channels, classes=len(prepared.classes),
        bits=prepared.bits,
    )  # fmt: skip
    weights = {name: value.cpu() for name, value in result.generator.state_dict().items()}
    with (built / artifacts.WEIGHTS_FILE).open("wb") as stream:
        torch.save(weights, stream)
    (built / artifacts.CURVE_FILE).write_text(json.dumps(list(result.curve)))
    gan = specification.gan
    drawn = latents(result.weights_digest, specification.seed, 0, _GRID_IMAGES, gan.latent_dim)
    (built / artifacts.GRID_FILE).write_bytes(
        _grid(*generate(result.generator, drawn, prepared.bits))
    )
    training_job = ctx.name
    identifier = artifacts.generator_id(gan.preset, result.weights_digest, training_job)
    metadata = artifacts.generator_metadata(
        weights_digest=result.weights_digest,
        training_job=training_job,
        dataset=artifacts.resource_name(dataset),
        source=artifacts.dataset_message(dataset).source,
        gan=gan,
        size=prepared.size,
        channels=prepared.channels,
        bits=prepared.bits,
        classes=prepared.classes,
        images=result.images,
        metrics=result.metrics,
    )
    with ctx.storage.drafted(artifacts.GENERATORS, identifier, ctx.attempt_name) as draft:
        draft.add_folder(built)
        for name in _KEPT_FOLDERS:
            files = (path for path in (ctx.work_folder / name).rglob("*") if path.is_file())
            for file in sorted(files):
                draft.add(file.relative_to(ctx.work_folder).as_posix(), file)
        generator = ctx.publish(draft, metadata)
    shutil.rmtree(ctx.work_folder, ignore_errors=True)
    return generator


def _grid(images: Pixels, masks: Labels | None) -> bytes:
    from medsynth.data import pictures

    return pictures.png(pictures.grid(images, masks, columns=8, side=96))


def _published_by(ctx: JobContext) -> Artifact | None:
    """The generator that an earlier attempt of this job published before it broke off."""
    for generator in ctx.storage.list(artifacts.GENERATORS):
        if generator.manifest.metadata.get("training_job") == ctx.name:
            return generator
    return None


def _done(generator: Artifact) -> Done:
    return Done(
        {
            "generator": artifacts.resource_name(generator),
            "weights_digest": generator.manifest.metadata["weights_digest"],
        }
    )


if __name__ == "__main__":
    run({"preparation": preparation, "inspection": inspection, "training": training})

"""What a worker's child process runs for the sampler: `python -m medsynth.sampler.work JOB`."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any, cast

from medsynth.data.writers import SampleWriter, begun_description
from medsynth.platform.artifacts import SYNTHETIC_DATASETS, resource_name
from medsynth.platform.jobs.child import Done, JobContext, Yielded, run
from medsynth.sampler.deployment import PATIENCE_SECONDS, Deployment
from medsynth.sampler.description import described
from medsynth.sampler.drawing import Drawing
from medsynth.sampler.hardware import hardware
from medsynth.storage import Artifact
from medsynth.v1 import sampler_pb2, types_pb2


def synthetic_dataset(ctx: JobContext) -> Done | Yielded:
    """Draws a data set and publishes it as `syntheticDatasets/{id of the job}`.

    Result: `artifact`, its name; `uri`, the folder of its files; `digest` of its manifest. The
    images that are in memory at a time do not depend on how many are drawn.
    """
    identifier = ctx.name.rpartition("/")[2]
    if (published := ctx.storage.find(SYNTHETIC_DATASETS, identifier)) is not None:
        return _done(published)
    folder = ctx.work_folder / "samples"
    facts = _draw(ctx, folder)
    if facts is None:
        return Yielded()
    with ctx.storage.drafted(SYNTHETIC_DATASETS, identifier, ctx.attempt_name) as draft:
        draft.add_folder(folder)
        published = ctx.publish(draft, facts)
    shutil.rmtree(ctx.work_folder, ignore_errors=True)
    return _done(published)


def _draw(ctx: JobContext, folder: Path) -> dict[str, Any] | None:
    """Writes the images into a folder, from where an attempt before this one broke off.

    Returns:
        What is known about them; None: told to stop.
    """
    specification = cast(sampler_pb2.SyntheticDatasetSpecification, ctx.specification)
    generator_id = specification.generator.rpartition("/")[2]
    with closing(Deployment.from_settings(ctx.settings, ctx.storage)) as deployment:
        generator = deployment.ensure(generator_id, patience=PATIENCE_SECONDS)
        facts = _facts(specification, generator)
        description = described(specification, generator, ctx.storage, begun_description(folder))
        if not description.intensities:
            ctx.message(
                f"{generator.dataset} is not there to say what its images mean: the set states no "
                "modality, units or spacing"
            )
        origin = {
            "backend": f"{ctx.settings.triton_backend} in {deployment.triton.version()}",
            "hardware": hardware(ctx.settings.triton_url),
        }
        with SampleWriter(
            folder, specification.format, facts, description, resume=True, origin=origin
        ) as writer:
            drawing = Drawing(
                deployment,
                generator_id,
                seed=specification.seed,
                first=specification.first_index + writer.count,
                count=specification.count - writer.count,
                in_flight=ctx.settings.sample_in_flight,
            )
            for batch in drawing:
                if ctx.stop_requested():
                    writer.pause()
                    return None
                writer.write(batch.first_index, batch.images, batch.masks)
                ctx.progress(writer.count, specification.count, "images", phase="drawing")
    ctx.message(f"drew {specification.count:,} images")
    return {**facts, "origins": writer.origins}


def _facts(
    specification: sampler_pb2.SyntheticDatasetSpecification, generator: types_pb2.Generator
) -> dict[str, Any]:
    """What has to be known to make the same data set again, and to read this one."""
    return {
        "generator": generator.name,
        "generator_digest": generator.digest,
        "dataset": generator.dataset,
        "seed": specification.seed,
        "first_index": specification.first_index,
        "count": specification.count,
        "format": specification.format,
        "channels": generator.channels,
        "size": generator.size,
        "bits": generator.bits,
        "classes": list(generator.classes),
    }


def _done(artifact: Artifact) -> Done:
    return Done(
        {
            "artifact": resource_name(artifact),
            "uri": artifact.uri,
            "digest": artifact.manifest.digest,
        }
    )


if __name__ == "__main__":
    run({"synthetic_dataset": synthetic_dataset})

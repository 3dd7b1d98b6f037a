"""Images per second through `Sample` over onnxruntime without anything in between."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from functools import cache, partial

import onnxruntime

from medsynth.gans.latents import latents
from medsynth.platform.artifacts import MODEL_FILE, generator_message
from medsynth.sampler.blocks import Blocks
from medsynth.settings import Settings
from tests.bench.contestant import Contestant
from tests.bench.measure import Bar, Bench, Context, Row, compared, interleaved
from tests.bench.site import make_client, publish_untrained

_OURS, _OTHER = "Sample", "onnxruntime in process"


def measure(context: Context) -> Sequence[Row]:
    """`hinge` at each size; client, sampler, Triton and the other in processes of their own."""
    sizes = context.effort.pick((64, 128), (64, 128), (32,))
    rows = []
    site = context.site()
    with Contestant(context.effort) as caller, Contestant(context.effort) as other:
        for size in sizes:
            context.say(f"exporting a generator of {size} px")
            artifact = publish_untrained(context.effort, site.storage, "hinge", size)
            message = generator_message(artifact)
            count = context.effort.pick(4096, 1024, 16) * 32**2 // size**2 * 2
            path = os.path.join(artifact.path, MODEL_FILE)
            blocks = Blocks.of(message).size
            plain = (path, message.weights_digest, message.gan.latent_dim, blocks, count)
            numbers = interleaved(
                {
                    _OURS: partial(caller.call, through_sample, site.settings, message.name, count),
                    _OTHER: partial(other.call, in_process, *plain),
                },
                context.effort.pick(7, 3, 1),
                context.say,
            )
            what = f"hinge {size} px, images per second through Sample"
            rows.append(compared(what, "images/s", numbers, _OURS, _OTHER, Bar("at least", 0.95)))
            site.client.undeploy(message.name)
    return rows


def through_sample(settings: Settings, generator: str, count: int) -> float:
    """Images per second that a client gets, its arrays included."""
    with make_client(settings) as client:
        began = time.perf_counter()
        got = sum(len(batch.images) for batch in client.sample(generator, count))
        seconds = time.perf_counter() - began
    assert got == count
    return count / seconds


def in_process(path: str, digest: str, dim: int, block: int, count: int) -> float:
    """Images per second of onnxruntime on the same file, latents and batches, with all cores."""
    session = _session(path)
    began = time.perf_counter()
    got = 0
    for first in range(0, count, block):
        outputs = session.run(None, {"latent": latents(digest, 0, first, block, dim)})
        got += min(len(outputs[0]), count - got)
    assert got == count
    return count / (time.perf_counter() - began)


@cache
def _session(path: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


BENCH = Bench("sample", "images through Sample over onnxruntime in process", measure)

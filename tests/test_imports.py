"""What a process that only answers calls may load."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "matplotlib",
    "monai",
    "nibabel",
    "onnx",
    "onnxruntime",
    "PIL",
    "scipy",
    "tensorboard",
    "torch",
    "torchvision",
}


@pytest.mark.parametrize(
    "module",
    [
        "medsynth.trainer.service",
        "medsynth.sampler.service",
        "medsynth.evaluator.service",
        "medsynth.platform.jobs.worker",
    ],
)
def test_a_process_that_opens_no_image_and_trains_nothing_stays_small(module: str) -> None:
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    loaded = set(done.stdout.split())
    assert "grpc" in loaded or "celery" in loaded
    assert loaded & HEAVY == set()


@pytest.mark.parametrize("module", ["medsynth.trainer.work", "medsynth.evaluator.work"])
def test_a_child_begins_without_what_only_others_need(module: str) -> None:
    """What its start waits for: it has no connection to Redis, and loads PyTorch when it trains."""
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert set(done.stdout.split()) & {"celery", "redis", "grpc", "torch"} == set()

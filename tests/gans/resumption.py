"""Trainings that are killed, against one that is left alone.

    python -m tests.gans.resumption [--kills N] [--seed S] [--device cpu|cuda] [PRESET ...]

prints for each GAN the digest of its weights after both, and whether everything else is the same.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import random
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from medsynth.gans.order import DataOrder
from medsynth.gans.presets import PRESETS
from medsynth.gans.specification import TrainingRun
from medsynth.gans.training import train
from tests.gans.tiny import CLASSES, discs, tiny

STEPS = 60
_BATCH = 4


@dataclass(frozen=True)
class Trained:
    """What a training left in its folder.

    Attributes:
        weights: Digest of the generator's weights.
        curve: Digest of the curve, all points and values.
        scalars: TensorBoard's: step and value of every point, by tag.
        checkpoints: Digest of each checkpoint's content, by name.
        seen: By position in the order of the data: the images that were shown there.
    """

    weights: str
    curve: str
    scalars: dict[str, list[tuple[int, float]]]
    checkpoints: dict[str, str]
    seen: dict[int, list[int]]


def run_of(preset: str) -> TrainingRun:
    spec = tiny(preset, batch_size=_BATCH, differentiable_augmentation=True)
    return TrainingRun(
        spec, images=STEPS * spec.images_per_step, checkpoint_images=7 * spec.images_per_step
    )


def train_here(preset: str, folder: Path, device: str) -> None:
    """Trains in this process; prints a line after each step, and at last the weights' digest.

    It goes on once the line was answered with one, so that nobody who means to kill it is late.
    """

    def say(done: int) -> None:
        print(done, flush=True)
        sys.stdin.readline()

    images, masks = discs()
    with (folder / "seen").open("a") as seen:
        take = DataOrder.take

        def noted(order: DataOrder, position: int, count: int) -> torch.Tensor:
            indices = take(order, position, count)
            print(json.dumps([position, indices.tolist()]), file=seen, flush=True)
            return indices

        DataOrder.take = noted  # type: ignore[method-assign]
        result = train(
            run_of(preset),
            images,
            masks,
            CLASSES,
            device=device,
            checkpoints=folder / "checkpoints",
            log_dir=folder / "log",
            on_progress=lambda done, _: say(done),
        )
    curve = hashlib.sha256(json.dumps(result.curve).encode()).hexdigest()
    print(json.dumps([result.weights_digest, curve]), flush=True)


def train_there(
    preset: str, folder: Path, kills: list[int], device: str = "cpu", threads: int = 1
) -> Trained:
    """Trains in processes of its own.

    Args:
        preset: Which GAN.
        folder: Of checkpoints and logs.
        kills: After how many lines each process but the last is killed, in mid-step.
        device: `cpu` or `cuda`.
        threads: Of the processes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for lines in [*kills, None]:
        command = [
            sys.executable,
            "-m",
            "tests.gans.resumption",
            "--train",
            str(folder),
            "--device",
            device,
        ]
        with subprocess.Popen(
            [*command, "--threads", str(threads), preset],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            for number, line in enumerate(process.stdout, 1):
                last = line
                if number == lines:
                    process.send_signal(signal.SIGKILL)
                    break
                with suppress(BrokenPipeError):
                    print(file=process.stdin, flush=True)
        assert process.returncode == (0 if lines is None else -signal.SIGKILL)
    weights, curve = json.loads(last)
    return Trained(weights, curve, scalars(folder), _checkpoints(folder), _seen(folder))


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    log = EventAccumulator(str(folder / "log"), size_guidance={"scalars": 0}).Reload()
    return {tag: [(e.step, e.value) for e in log.Scalars(tag)] for tag in log.Tags()["scalars"]}


def _checkpoints(folder: Path) -> dict[str, str]:
    found = {}
    for file in sorted((folder / "checkpoints").iterdir()):
        header, _, payload = file.read_bytes().partition(b"\n")
        assert header.endswith(hashlib.sha256(payload).hexdigest().encode()), "it is torn"
        sha = hashlib.sha256()
        _absorb(sha, torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True))
        found[file.name] = sha.hexdigest()
    return found


def _absorb(sha: Any, value: Any) -> None:
    """Feeds every number of a state, with its place, to a digest."""
    if isinstance(value, torch.Tensor):
        sha.update(f"{value.dtype} {tuple(value.shape)}".encode())
        sha.update(
            value.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
            if value.numel()
            else b""
        )
    elif isinstance(value, dict):
        for key, entry in value.items():
            sha.update(repr(key).encode())
            _absorb(sha, entry)
    elif isinstance(value, list | tuple):
        sha.update(f"{type(value)} {len(value)}".encode())
        for entry in value:
            _absorb(sha, entry)
    else:
        sha.update(repr(value).encode())


def _seen(folder: Path) -> dict[int, list[int]]:
    seen: dict[int, list[int]] = {}
    for line in (folder / "seen").read_text().splitlines():
        position, indices = json.loads(line)
        assert seen.setdefault(position, indices) == indices, "the order of the data changed"
    return seen


def random_kills(seed: int, count: int) -> list[int]:
    """Lines after which to kill, so that each attempt gets further than the one before."""
    draw = random.Random(seed)
    return [draw.randint(9, max(9, STEPS // count - 3)) for _ in range(count)]


def compare(preset: str, kills: list[int], device: str, folder: Path) -> tuple[Trained, Trained]:
    whole = train_there(preset, folder / "whole", [], device)
    return whole, train_there(preset, folder / "killed", kills, device)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("presets", nargs="*", metavar="PRESET", help=", ".join(PRESETS))
    parser.add_argument("--kills", type=int, default=3, help="kills of each training")
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the kills")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--threads", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--train", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.train:
        torch.set_num_threads(options.threads)
        train_here(options.presets[0], options.train, options.device)
        return 0
    differ = 0
    for preset in options.presets or PRESETS:
        kills = random_kills(options.seed, options.kills)
        with tempfile.TemporaryDirectory() as folder:
            whole, killed = compare(preset, kills, options.device, Path(folder))
        parts: dict[str, Any] = {
            name: getattr(whole, name) == getattr(killed, name)
            for name in ("weights", "curve", "scalars", "checkpoints", "seen")
        }
        differ += not all(parts.values())
        said = ", ".join(f"{name} {'same' if same else 'DIFFER'}" for name, same in parts.items())
        print(f"{preset:8} {whole.weights} {killed.weights} killed after {kills}: {said}")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())

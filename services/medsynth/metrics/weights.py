"""Published weights: found in a folder, or fetched once, and always checked by digest.

What cannot be had is a `Missing` that says why and what to do, never a substitute.
"""

from __future__ import annotations

import hashlib
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from uuid import uuid4

_CHUNK = 2**20


@dataclass(frozen=True)
class PublishedWeights:
    """A file of weights that others published.

    Attributes:
        title: What the weights are, for people.
        names: File names that it goes by; the first is used when it is fetched.
        digest: sha256 of the file, `sha256:...`.
        size: Bytes.
        address: Where it can be had.
    """

    title: str
    names: tuple[str, ...]
    digest: str
    size: int
    address: str


INCEPTION = PublishedWeights(
    title="Inception-2015-12-05 (FID)",
    names=(
        "pt_inception-2015-12-05-6726825d.pth",
        "weights-inception-2015-12-05-6726825d.pth",
    ),
    digest="sha256:6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
    size=95_628_359,
    address=(
        "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
        "pt_inception-2015-12-05-6726825d.pth"
    ),
)
"""The network of Heusel et al. 2017, converted from TensorFlow to PyTorch. pytorch-fid and
torch-fidelity publish the same bytes under these two names."""


@dataclass(frozen=True)
class Missing:
    """Weights that cannot be had here.

    Attributes:
        reason: What was tried, and why it failed.
        remedy: What to do, with path, digest and address.
        path: Where the file is looked for.
        digest: sha256 that it has to have, `sha256:...`.
        address: Where it can be had.
    """

    reason: str
    remedy: str
    path: Path
    digest: str
    address: str

    def __str__(self) -> str:
        return f"{self.reason} {self.remedy}"


def find_weights(
    folder: Path,
    *,
    download: bool = True,
    wanted: PublishedWeights = INCEPTION,
    timeout: float = 20.0,
) -> Path | Missing:
    """The file of published weights, from the folder or from its publisher.

    A file is taken only if its sha256 is the published one, whatever its name says. A fetched
    file appears in the folder whole and checked, or not at all; whoever fetches it at the same
    time ends with the same file.

    Args:
        folder: Where weights are kept. Made when something is fetched into it.
        download: Whether to fetch a file that is not there.
        wanted: Which weights.
        timeout: Seconds that the publisher may stay silent.

    Returns:
        The path of the checked file, or why there is none and what to do.
    """
    refused = ""
    for name in wanted.names:
        path = folder / name
        try:
            found = file_digest(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            refused = f"{path} cannot be read ({error.strerror or error})."
            continue
        if found == wanted.digest:
            return path
        refused = f"{path} has another digest ({found}), so it is not used."
    if refused:
        return _missing(folder, wanted, refused)
    if not download:
        return _missing(
            folder, wanted, f"{wanted.names[0]} is not in {folder}, and downloads are switched off."
        )
    try:
        return _fetch(folder, wanted, timeout)
    except (OSError, HTTPException, ValueError) as error:
        cause = error.reason if isinstance(error, urllib.error.URLError) else error
        return _missing(
            folder, wanted, f"{wanted.names[0]} is not in {folder} and was not fetched: {cause}."
        )


def file_digest(path: Path) -> str:
    """sha256 of a file, `sha256:...`.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(folder: Path, wanted: PublishedWeights, timeout: float) -> Path:
    path = folder / wanted.names[0]
    beside = folder / f".{wanted.names[0]}.{uuid4().hex}"
    digest = hashlib.sha256()
    received = 0
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with (
            urllib.request.urlopen(wanted.address, timeout=timeout) as response,
            beside.open("wb") as file,
        ):
            while chunk := response.read(_CHUNK):
                received += len(chunk)
                if received > wanted.size:
                    raise ValueError(f"{wanted.address} sends more than {wanted.size} bytes")
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        if f"sha256:{digest.hexdigest()}" != wanted.digest:
            raise ValueError(
                f"{wanted.address} sent {received} bytes of digest sha256:{digest.hexdigest()}"
            )
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return path


def _missing(folder: Path, wanted: PublishedWeights, reason: str) -> Missing:
    path = folder / wanted.names[0]
    remedy = (
        f"Put {wanted.title} at {path} ({wanted.size} bytes, {wanted.digest}); "
        f"it can be had from {wanted.address}"
    )
    return Missing(reason, remedy, path, wanted.digest, wanted.address)

"""`phantom://cardiac?patients=60&slices=8&seed=0&contrast=cine`: the phantom as a source."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from medsynth.data.files import Files
from medsynth.data.numbers import LARGEST_SEED, whole_number
from medsynth.data.phantom import CLASSES, CONTRASTS, phantom_volume
from medsynth.data.phantom_anatomy import FRAMES
from medsynth.data.readers.interface import ReaderOptions, Scan, Survey
from medsynth.data.volume import Volume
from medsynth.errors import InvalidArgumentError

NAME = "phantom"
VERSION = 1
LAYOUT = "phantom://cardiac"
OPTIONS: tuple[str, ...] = ()
SCHEME = "phantom://"

_FIELD = "specification.data.uri"


@dataclass(frozen=True)
class Parameters:
    """What the URI says.

    Attributes:
        patients: 5 to 10,000.
        slices: Of each volume, 4 to 20.
        seed: 0 to 2^63-1.
        contrasts: Channels, each `cine` or `t2`.
    """

    patients: int = 60
    slices: int = 8
    seed: int = 0
    contrasts: tuple[str, ...] = ("cine",)

    @classmethod
    def parse(cls, uri: str) -> Parameters:
        """Reads a URI.

        Raises:
            InvalidArgumentError: Another phantom than `cardiac`, an unknown or doubled parameter,
                or a value out of its range.
        """
        refuse = InvalidArgumentError.field
        try:
            parts = urlsplit(uri)
        except ValueError as error:
            raise refuse(_FIELD, uri, f"{SCHEME}cardiac ({error})") from error
        if parts.netloc != "cardiac" or parts.path not in ("", "/") or parts.fragment:
            raise refuse(_FIELD, uri, f"{SCHEME}cardiac, with parameters after a `?`")
        try:
            pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        except ValueError as error:
            raise refuse(_FIELD, uri, "parameters as name=value, joined by &") from error
        given = dict(pairs)
        known = {"patients", "slices", "seed", "contrast"}
        if len(given) < len(pairs) or not set(given) <= known:
            raise refuse(_FIELD, uri, f"each of {', '.join(sorted(known))} at most once")
        contrasts = tuple(given.get("contrast", "cine").split(","))
        if not set(contrasts) <= set(CONTRASTS) or len(set(contrasts)) < len(contrasts):
            raise refuse(_FIELD, uri, "contrast=cine, contrast=t2 or contrast=cine,t2")
        return cls(
            whole_number(given.get("patients", 60), f"{_FIELD}?patients", 5, 10_000),
            whole_number(given.get("slices", 8), f"{_FIELD}?slices", 4, 20),
            whole_number(given.get("seed", 0), f"{_FIELD}?seed", 0, LARGEST_SEED),
            contrasts,
        )

    def uri(self) -> str:
        """The URI with every parameter, in one order."""
        return (
            f"{SCHEME}cardiac?patients={self.patients}&slices={self.slices}"
            f"&seed={self.seed}&contrast={','.join(self.contrasts)}"
        )


def recognises(files: Files) -> bool:
    """Whether it is a phantom's URI."""
    return files.uri.startswith(SCHEME)


def relevant(files: Files) -> list[str]:
    """None."""
    return []


def survey(files: Files, options: ReaderOptions) -> Survey:
    """Two scans of each patient."""
    parameters = Parameters.parse(files.uri)
    return Survey(
        [
            Scan(f"p{index:05d}", f"p{index:05d}_{frame}", (), detail=(parameters, index, frame))
            for index in range(parameters.patients)
            for frame in FRAMES
        ],
        CLASSES,
        modality="MR",
    )


def read(root: Path, scan: Scan, options: ReaderOptions) -> Volume:
    """Draws one scan."""
    parameters, index, frame = scan.detail
    return phantom_volume(
        index, frame, parameters.slices, parameters.seed, tuple(parameters.contrasts)
    )

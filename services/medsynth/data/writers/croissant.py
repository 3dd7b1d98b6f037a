"""`croissant.json`: what a set is, as Croissant 1.0 has it (JSON-LD, after schema.org).

It lists the files that are about the set as a whole with their digests. Among them is the manifest,
which holds the digest of every other file.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from medsynth.data.writers.description import RESEARCH, SetDescription
from medsynth.data.writers.interface import FileKind, Form, Summary
from medsynth.data.writers.manifest import MANIFEST
from medsynth.manifest import FileEntry
from medsynth.storage import naming

CROISSANT: Final = "croissant.json"

_CONTEXT: Final = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""As the specification prescribes it."""

_READABLE: Final = "image/png"
"""Files whose content readers of Croissant can take for a record's."""


def write_croissant(
    file: Path,
    about: SetDescription,
    form: Form,
    summary: Summary,
    kinds: Sequence[FileKind],
    files: Sequence[FileEntry],
) -> None:
    """Writes the metadata of a set.

    Args:
        file: Where.
        about: The set.
        form: Of its images.
        summary: What was written.
        kinds: Of its files.
        files: That are of no kind, its manifest among them; all are JSON.
    """
    kinds = [kind for kind in kinds if form.masked or kind.holds != "mask"]
    fields = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": [
            "http://mlcommons.org/croissant/1.0",
            "http://mlcommons.org/croissant/RAI/1.0",
        ],
        "name": about.name,
        "description": _sentences(about, form, summary),
        "license": about.licence,
        "version": "1.0.0",
        "isLiveDataset": False,
        "keywords": ["synthetic data", "medical imaging", *filter(None, [about.modality])],
        **_known(about),
        "rai:dataCollection": "Drawn from a generative model; no image was acquired.",
        "rai:dataUseCases": [about.intended_use],
        "rai:dataLimitations": [RESEARCH],
        "rai:personalSensitiveInformation": [
            "None is meant to be there: whether images repeat those that the generator was "
            "trained on is for an audit to say."
        ],
        "distribution": [*map(_file_object, files), *map(_file_set, kinds)],
        **({"recordSet": records} if (records := _record_sets(kinds)) else {}),
    }
    with naming(file):
        file.write_text(json.dumps(fields, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _sentences(about: SetDescription, form: Form, summary: Summary) -> str:
    said = [f"{about.name}."]
    if summary.count:
        said.append(
            f"{summary.count} images, indexes {summary.first} to "
            f"{summary.first + summary.count - 1}, of {form.channels} channel(s) of {form.rows} x "
            f"{form.columns} pixels with {form.bits} bits."
        )
    if form.masked and about.classes:
        labels = ", ".join(f"{label} {name}" for label, name in enumerate(about.classes))
        said.append(f"Masks have the labels {labels}.")
    if about.generator_digest:
        seed = "" if about.seed is None else f", seed {about.seed}"
        said.append(f"Generator {about.generator_digest}{seed}.")
    return " ".join([*said, RESEARCH])


def _known(about: SetDescription) -> dict[str, Any]:
    fields = {
        "citeAs": about.citation,
        "url": about.url,
        "creator": about.creator and {"@type": "sc:Organization", "name": about.creator},
        "dateCreated": about.date,
        "datePublished": about.date,
    }
    return {name: value for name, value in fields.items() if value}


def _file_object(file: FileEntry) -> dict[str, Any]:
    about = "Size and SHA-256 of every file, and how the set was made."
    return {
        "@type": "cr:FileObject",
        "@id": file.path,
        "name": file.path,
        **({"description": about} if file.path == MANIFEST else {}),
        "contentUrl": file.path,
        "contentSize": f"{file.size} B",
        "encodingFormat": "application/json",
        "sha256": file.digest.removeprefix("sha256:"),
    }


def _file_set(kind: FileKind) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": kind.name,
        "name": kind.name,
        "encodingFormat": kind.media_type,
        "includes": kind.pattern,
    }


def _record_sets(kinds: Sequence[FileKind]) -> list[dict[str, Any]]:
    """The images and the masks, where Croissant knows how to read such files."""
    return [
        {
            "@type": "cr:RecordSet",
            "@id": (records := f"{kind.holds}-records"),
            "name": records,
            "description": f"Each {kind.holds}; a mask has the file name of its image.",
            "key": {"@id": f"{records}/filename"},
            "field": [
                _field(records, kind, "filename", "filename", "sc:Text"),
                _field(records, kind, kind.holds, "content", "sc:ImageObject"),
            ],
        }
        for kind in kinds
        if kind.media_type == _READABLE
    ]


def _field(records: str, kind: FileKind, name: str, which: str, data_type: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{records}/{name}",
        "name": name,
        "dataType": data_type,
        "source": {"fileSet": {"@id": kind.name}, "extract": {"fileProperty": which}},
    }

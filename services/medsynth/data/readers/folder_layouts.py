"""How folders of images are laid out: which file is an image, a mask, or one of a pair.

Told by names alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Final

from medsynth.data.readers.folder_domains import find_domains
from medsynth.data.readers.folder_entries import Entry, Layout
from medsynth.data.readers.folder_paths import (
    ImagePath,
    Key,
    mask_name,
    names_of,
    not_a_role,
    official_part,
    says_nothing_of_masks,
    take_apart,
)
from medsynth.data.readers.folder_siblings import with_siblings
from medsynth.data.readers.image_files import ending
from medsynth.data.readers.interface import Problem

_SECOND_OBSERVER: Final = "2ndho"


@dataclass
class _Masks:
    """Masks by the image that they belong to, each with what kind it is and its number."""

    of: dict[Key, list[tuple[tuple[object, ...], str, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    orphans: list[str] = field(default_factory=list)


def find_layout(paths: Iterable[str]) -> Layout:
    """Finds out which layout the image files among these paths have.

    Args:
        paths: Within the source, sorted.
    """
    files = [take_apart(path) for path in paths if ending(path)]
    if says_nothing_of_masks(files):
        return find_domains(files) or _plain(files)
    masked = _masked(files)
    if masked is None:
        paired, remarks = with_siblings(files)
        masked = _masked(paired, remarks) if remarks else None
    if masked is not None:
        return masked
    keys = {file.key for file in files}
    files = [file for file in files if not _second_observer(file, keys)]
    return find_domains(files) or _plain(files)


def _masked(files: Sequence[ImagePath], remarks: Sequence[str] = ()) -> Layout | None:
    """Images with masks in a parallel folder or beside them; None if that is not the layout."""
    in_masks = [file for file in files if file.holds == "mask"]
    others = [file for file in files if file.holds != "mask"]
    in_images = [file for file in others if file.holds == "image"]
    parallel = bool(in_masks and in_images)
    pool = in_images if parallel else others
    masks = _Masks()
    found: dict[Key, list[ImagePath]] = defaultdict(list)
    # Images before their masks, whose names are longer.
    for file in sorted(pool, key=lambda file: len(file.stem)):
        if not _assign(file, found, masks, exact=False):
            found[file.key].append(file)
    for file in in_masks:
        _assign(file, found, masks, exact=True)
    images = sorted(chain(*found.values()), key=lambda file: file.path)
    if not parallel and not masks.of:
        return None
    beside = any(kind[1] for kinds in masks.of.values() for kind, _, _ in kinds)
    if beside and not in_masks:
        masks.orphans += [file.path for file in images if mask_name(file.stem)]
        images = [file for file in images if not mask_name(file.stem)]
    left_out = [file.path for file in others if parallel and file.holds != "image"]
    if left_out:
        remarks = [
            *remarks,
            f"{len(left_out)} files, such as {left_out[0]}, lie neither in a folder of images nor "
            "in one of masks: they are left out.",
        ]
    return replace(_with_masks(images, masks), remarks=remarks, left_out=left_out)


def _assign(file: ImagePath, keys: Container[Key], masks: _Masks, *, exact: bool) -> bool:
    """Notes a mask with the image that it belongs to; whether the file is no image.

    Args:
        file: Any.
        keys: Of the images.
        masks: Where it is noted.
        exact: It lies in a folder of masks, so its name may be that of the image.
    """
    if exact and file.key in keys:
        masks.of[file.key].append(((file.folders, ""), "", file.path))
        return True
    said = mask_name(file.stem)
    base = replace(file, stem=said.image).key if said else file.key
    if said is None or base not in keys:
        if exact:
            masks.orphans.append(file.path)
        return exact
    if said.kind != _SECOND_OBSERVER:
        masks.of[base].append(((file.folders, said.kind), said.number, file.path))
    return True


def _second_observer(file: ImagePath, keys: Container[Key]) -> bool:
    said = mask_name(file.stem)
    if said is None or said.kind != _SECOND_OBSERVER:
        return False
    return replace(file, stem=said.image).key in keys


def _with_masks(images: Sequence[ImagePath], masks: _Masks) -> Layout:
    problems = [Problem(path, "there is no image to this mask") for path in masks.orphans]
    found: list[tuple[ImagePath, tuple[str, ...]]] = []
    for image in images:
        own = sorted(masks.of.get(image.key, []), key=lambda mask: mask[2])
        paths = tuple(path for _, _, path in own)
        kinds = {kind for kind, _, _ in own}
        if not own:
            problems.append(Problem(image.path, "its mask is missing"))
        elif len(kinds) > 1 or len({number for _, number, _ in own}) < len(own):
            problems.append(Problem(image.path, f"several masks may be meant: {', '.join(paths)}"))
        else:
            found.append((image, paths))
    names = names_of([image for image, _ in found])
    return Layout(
        [
            Entry((image.path,), paths, name, own, "", image.rest, official_part(image.part))
            for (image, paths), (name, own) in zip(found, names, strict=True)
        ],
        sorted(problems, key=lambda problem: problem.file),
    )


def _plain(files: Sequence[ImagePath]) -> Layout:
    """Images without masks, in folders by class or all alike."""
    like_masks = [file.path for file in files if file.holds == "mask"]
    # What looked like a folder of masks is one of images, say of a class.
    files = [_with_rest(file, tuple(filter(not_a_role, file.folders))) for file in files]
    remark = ""
    if like_masks:
        remark = (
            f"{len(like_masks)} files, such as {like_masks[0]}, lie in folders as masks do, but no "
            "images have their names: they are read as images."
        )
    return Layout(
        [
            Entry((file.path,), (), name, own, "", file.rest, official_part(file.part))
            for file, (name, own) in zip(files, names_of(files), strict=True)
        ],
        (),
        [remark] if remark else [],
    )


def _with_rest(file: ImagePath, rest: tuple[str, ...]) -> ImagePath:
    return file if file.rest == rest else replace(file, rest=rest)

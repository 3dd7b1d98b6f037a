"""Folders of masks beside a folder of images whose name does not say so: `GT` beside `Original`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from medsynth.data.readers.folder_paths import ImagePath, mask_name, says_masks, take_apart

_PAIRED: Final = 0.9
"""Share of the masks whose names an image has."""

_Place = tuple[str, ...]
_Held = set[tuple[_Place, str]]


def with_siblings(files: Sequence[ImagePath]) -> tuple[list[ImagePath], list[str]]:
    """The files, with masks as if they lay in their images' folder; and remarks.

    A folder of masks is that of the one folder beside it whose images have the same names.
    """
    siblings = _siblings(files)
    images = {(*masks[:-1], name) for masks, name in siblings.items()}
    found = []
    for file in files:
        depths = range(1, len(file.folders) + 1)
        masks = next((k for k in depths if file.folders[:k] in siblings), 0)
        if masks:
            image = siblings[file.folders[:masks]]
            found.append(_as_mask(file, masks - 1, image))
        elif any(file.folders[:k] in images for k in depths):
            found.append(replace(file, holds="image"))
        else:
            found.append(file)
    pairs = sorted({(name, masks[-1]) for masks, name in siblings.items()})
    return found, [
        f"The masks in {masks} belong to the images in {images}, which have the same names."
        for images, masks in pairs
    ]


def _siblings(files: Sequence[ImagePath]) -> dict[_Place, str]:
    """The name of the folder of images beside each folder of masks that has one."""
    held: dict[_Place, dict[str, _Held]] = defaultdict(lambda: defaultdict(set))
    for file in files:
        for k, folder in enumerate(file.folders):
            held[file.folders[:k]][folder].add((file.folders[k + 1 :], file.stem))
    found = {}
    for above, folders in held.items():
        for masks in filter(says_masks, folders):
            fitting = _fitting(folders[masks], folders)
            if len(fitting) == 1:
                found[(*above, masks)] = fitting[0]
    return found


def _fitting(masks: _Held, folders: Mapping[str, _Held]) -> list[str]:
    """Folders, none of them of masks, whose images have the names of most masks."""
    names = [(below, stem, mask_name(stem)) for below, stem in masks]
    paired = [{(below, stem), (below, said.image if said else stem)} for below, stem, said in names]
    return [
        folder
        for folder, images in folders.items()
        if not says_masks(folder)
        and sum(not images.isdisjoint(either) for either in paired) >= _PAIRED * len(paired)
    ]


def _as_mask(file: ImagePath, place: int, image: str) -> ImagePath:
    *_, name = file.path.split("/")
    beside = (*file.folders[:place], image, *file.folders[place + 1 :], name)
    moved = take_apart("/".join(beside))
    return replace(moved, path=file.path, folders=file.folders, holds="mask")

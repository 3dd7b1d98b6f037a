"""The formats by name, and what each of them can hold."""

from __future__ import annotations

from importlib import import_module

from medsynth.data.writers.interface import Form, Format, SetDescription
from medsynth.errors import InvalidArgumentError

FORMATS = ("png", "npz", "nifti", "nnunet", "dicom", "webdataset", "coco")


def get_format(name: str, field: str = "format") -> type[Format]:
    """The format of a name.

    Args:
        name: One of `FORMATS`.
        field: Path of the request's field, for errors.

    Raises:
        InvalidArgumentError: There is none.
    """
    if name not in FORMATS:
        raise InvalidArgumentError.field(field, name, f"one of {', '.join(FORMATS)}")
    found: type[Format] = import_module(f"medsynth.data.writers.{name}").FORMAT
    return found


def check_format(
    name: str, form: Form, description: SetDescription | None = None, field: str = "format"
) -> None:
    """Checks that a format can hold images of a form.

    Args:
        name: One of `FORMATS`.
        form: Of the images.
        description: Of the set.
        field: Path of the request's field, for errors.

    Raises:
        InvalidArgumentError: It cannot; says why, and which formats can. Or the description has
            intensities for another number of channels.
    """
    description = description or SetDescription()
    if description.intensities and len(description.intensities) != form.channels:
        raise InvalidArgumentError.field(
            "description.intensities",
            [list(pair) for pair in description.intensities],
            f"a pair for each of the {form.channels} channels, or none",
        )
    if misfit := get_format(name, field).misfit(form, description):
        fitting = [other for other in FORMATS if not get_format(other).misfit(form, description)]
        raise InvalidArgumentError.field(field, name, f"{' or '.join(fitting)}: {misfit}")

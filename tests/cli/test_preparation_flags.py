"""The flags that commands share, against the contract that they fill."""

from __future__ import annotations

import dataclasses

from medsynth.cli.preparation_flags import InspectionFlags, PreparationFlags
from medsynth.data.inspection import HEEDED
from medsynth.v1 import types_pb2


def test_every_field_of_a_source_is_a_flag() -> None:
    """The split comes from a file, the URI from a flag of its own."""
    fields = {
        *types_pb2.Preparation.DESCRIPTOR.fields_by_name,
        *types_pb2.ReaderOptions.DESCRIPTOR.fields_by_name,
    }
    flags = {field.name for field in dataclasses.fields(PreparationFlags)}
    assert flags == (fields - {"assignment"}) | {"split_file", "reader"}


def test_an_inspection_has_the_flags_that_it_heeds() -> None:
    heeded = {*HEEDED, *types_pb2.ReaderOptions.DESCRIPTOR.fields_by_name}
    flags = {field.name for field in dataclasses.fields(InspectionFlags)}
    assert flags == (heeded - {"assignment"}) | {"split_file", "reader"}

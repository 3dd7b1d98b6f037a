from __future__ import annotations

import numpy as np
import pytest

from medsynth.data import readers
from medsynth.data.files import open_files
from medsynth.data.phantom import phantom_volumes
from medsynth.data.readers import phantom
from medsynth.data.readers.phantom import Parameters
from medsynth.errors import InvalidArgumentError
from tests.data.readers.reading import read_all


def test_defaults_are_those_of_the_contract() -> None:
    assert (
        Parameters.parse("phantom://cardiac").uri()
        == "phantom://cardiac?patients=60&slices=8&seed=0&contrast=cine"
    )


def test_parameters() -> None:
    uri = "phantom://cardiac?patients=5&slices=4&seed=9223372036854775807&contrast=cine,t2"
    parameters = Parameters.parse(uri)
    assert parameters == Parameters(5, 4, 2**63 - 1, ("cine", "t2"))
    assert parameters.uri() == uri


@pytest.mark.parametrize(
    "uri",
    [
        "phantom://",
        "phantom://liver",
        "phantom://cardiac/../etc",
        "phantom://[cardiac",
        "phantom://cardiac?patients=4",
        "phantom://cardiac?patients=10001",
        "phantom://cardiac?patients=",
        "phantom://cardiac?patients",
        "phantom://cardiac?patients=6&patients=7",
        "phantom://cardiac?patients=1e3",
        "phantom://cardiac?patients=" + "9" * 5000,
        "phantom://cardiac?patients=٥٥",
        "phantom://cardiac?slices=3",
        "phantom://cardiac?slices=21",
        "phantom://cardiac?seed=-1",
        "phantom://cardiac?seed=9223372036854775808",
        "phantom://cardiac?contrast=",
        "phantom://cardiac?contrast=t1",
        "phantom://cardiac?contrast=cine,cine",
        "phantom://cardiac?size=64",
        "phantom://cardiac#x",
    ],
)
def test_what_is_refused(uri: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        Parameters.parse(uri)
    assert caught.value.violations[0].field.startswith("specification.data.uri")


def test_reader() -> None:
    files = open_files("phantom://cardiac?patients=5&slices=4")
    assert readers.recognise(files) is readers.get_reader("phantom")
    assert phantom.relevant(files) == []
    read, drawn = read_all(phantom, files.uri), list(phantom_volumes(5, 4))
    assert [volume.name for volume in read] == [volume.name for volume in drawn]
    for one, other in zip(read, drawn, strict=True):
        assert np.array_equal(one.images, other.images)
        assert np.array_equal(one.masks, other.masks)

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsynth.data.files import FileFacts
from medsynth.data.listing import Listing

STAMPS = st.integers(-(2**70), 2**70).map(str) | st.text(max_size=4) | st.sampled_from(["07", "+1"])
FACTS = st.builds(FileFacts, st.integers(0, 2**63 - 1), STAMPS)


@given(st.dictionaries(st.text(max_size=5), FACTS), st.text(max_size=5))
def test_a_listing_is_a_sorted_dictionary(files: dict[str, FileFacts], other: str) -> None:
    listing = Listing(files.items())
    assert listing == files
    assert list(listing) == sorted(files)
    assert (other in listing) == (other in files)
    assert listing.get(other) == files.get(other)
    assert {other} & listing.keys() == {other} & files.keys()


def test_a_path_that_is_not_there() -> None:
    with pytest.raises(KeyError):
        Listing([("a", FileFacts(1, "")), ("c", FileFacts(1, "2"))])["b"]

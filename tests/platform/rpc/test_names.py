from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsynth.errors import InvalidArgumentError
from medsynth.platform.rpc.names import ID, format_name, parse_name


@given(st.from_regex(ID, fullmatch=True))
def test_parsing_reverses_formatting(identifier: str) -> None:
    assert parse_name(format_name("generators", identifier), "generators") == identifier


@pytest.mark.parametrize(
    "name",
    [
        *("", "generators", "generators/", "reports/x", "/x", "generators/a/b", "Generators/x"),
        *("generators/..", "generators/../x", "generators/.x", "generators/x\n", "generators/é"),
        "generators/" + "x" * 129,
    ],
)
def test_a_wrong_name_says_field_value_and_form(name: str) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        parse_name(name, "generators", "specification.generator")
    (violation,) = error.value.violations
    assert violation.field == "specification.generator"
    assert repr(name)[:100] in violation.description
    assert "generators/ID" in violation.description


@given(st.text())
def test_what_is_accepted_stays_in_its_folder(text: str) -> None:
    try:
        identifier = parse_name(f"generators/{text}", "generators")
    except InvalidArgumentError:
        return
    assert "/" not in identifier
    assert identifier not in (".", "..")

"""Whether a list's number fits its card format."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.wiegand.card_format import CardFormat, bits_of
from drivers.wiegand.formats import BUILT_IN, FormatTable
from gateway.errors import ConfigError, ListInvalid
from gateway.store.list_document import parse_list
from gateway.store.list_folder import ListFolder
from tests.gateway.store.sample_lists import full_list

OWN = FormatTable([CardFormat("OWN20", 20, None, bits_of(0, 19))])


@pytest.mark.parametrize(
    ("name", "facility", "number", "fault"),
    [
        ("H10301", 255, 65535, None),
        ("H10301", 0, 65536, ".number: H10301 holds 0 to 65535"),
        ("H10301", 256, 1, ".facility_code: H10301 holds 0 to 255"),
        ("H10301", None, 1, ".facility_code: H10301 needs one, 0 to 255"),
        ("UID56", None, (1 << 56) - 1, None),
        ("UID56", 1, 1, ".facility_code: UID56 has none"),
        ("UID32", None, 1 << 32, ".number: UID32 holds 0 to 4294967295"),
        ("H10320", None, 99_999_999, None),
        ("H10320", None, 100_000_000, ".number: H10320 holds 0 to 99999999"),
        ("EM4100", None, 1 << 32, ".number: EM4100 holds 0 to 4294967295"),
        ("ABA", None, 10**37 - 1, None),
        ("ABA", None, 10**37, f".number: ABA holds 0 to {10**37 - 1}"),
        ("EPC96", None, (1 << 96) - 1, None),
        ("EPC96", None, 1 << 96, f".number: EPC96 holds 0 to {(1 << 96) - 1}"),
        ("OWN20", None, 1 << 20, ".number: OWN20 holds 0 to 1048575"),
    ],
)
def test_a_number_fits_its_format_or_the_fault_says_what_would(
    name: str, facility: int | None, number: int, fault: str | None
) -> None:
    assert OWN.fits(name, facility, number) == fault


@pytest.mark.parametrize("name", ["H10300", "h10301", "EPC97", "EPC0", "EPC", "EPC٩٦", "UID", "OWN20"])
def test_a_format_that_the_site_does_not_know_is_refused_with_the_known_ones(name: str) -> None:
    fault = BUILT_IN.fits(name, None, 1)
    assert fault is not None
    assert fault.startswith(f".format: {name} is no card format here; known are H10301, ")
    assert BUILT_IN.fits_if_known(name, None, 1) is None


def test_without_a_site_only_what_is_too_large_for_a_known_format_is_refused() -> None:
    assert BUILT_IN.fits_if_known("H10301", None, 1) is None
    assert BUILT_IN.fits_if_known("H10301", 1, 65536) == ".number: H10301 holds 0 to 65535"
    assert BUILT_IN.fits_if_known("H10301", 256, 1) == ".facility_code: H10301 holds 0 to 255"


@given(st.sampled_from(BUILT_IN.names), st.integers(0, 2**32 - 1) | st.none(), st.integers(0, 2**64))
def test_what_fits_can_be_written_and_nothing_else(name: str, facility: int | None, number: int) -> None:
    fault = BUILT_IN.fits(name, facility, number)
    try:
        BUILT_IN.encode(name, facility, number)
    except ConfigError:
        assert fault is not None
    else:
        assert fault is None


def test_a_list_is_refused_whole_with_each_bad_credential_by_its_path(tmp_path: Path) -> None:
    document = full_list()
    cards = document["credentials"]
    cards[0] = {**cards[0], "format": "H10301", "facility_code": 1, "number": 70_000}
    cards[1] = {**cards[1], "format": "W26", "facility_code": None, "number": 5}
    for each in cards[:2]:
        each.pop("key", None)
    folder = ListFolder(tmp_path, bytes(32), BUILT_IN.fits)
    with pytest.raises(ListInvalid) as caught:
        folder.prepare(json.dumps(document).encode(), document["site"], 0)
    number, format_ = caught.value.faults
    assert number == "$.credentials[0].number: of 'c-0': H10301 holds 0 to 65535"
    assert format_.startswith(
        "$.credentials[1].format: of 'c-1': W26 is no card format here; known are H10301, ind26, "
    )
    with pytest.raises(ListInvalid) as caught:
        parse_list(document, BUILT_IN.fits_if_known)
    assert caught.value.faults == (number,)

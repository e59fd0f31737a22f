"""Card formats against golden vectors and by property."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.wiegand.card_commands import decode_line, encode_card
from drivers.wiegand.card_format import CardFormat
from drivers.wiegand.formats import BUILT_IN, from_payload
from gateway.errors import ConfigError

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "wiegand.json").read_text())["cards"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['format']}-{vector['hex']}")
def test_golden_vector_encodes_and_decodes(vector: dict[str, object]) -> None:
    wanted = {key: vector[key] for key in ("format", "facility_code", "card_number")}
    encoded = encode_card(*wanted.values())  # type: ignore[arg-type]
    assert (encoded["bits"], encoded["hex"]) == (vector["bits"], vector["hex"])
    decoded = decode_line(int(str(vector["bits"])), str(vector["hex"]))
    assert {**wanted, "parity_ok": vector["parity_ok"]} in decoded["readings"]


@st.composite
def cards(draw: st.DrawFn) -> tuple[CardFormat, int | None, int]:
    row = draw(st.sampled_from(BUILT_IN.rows))
    facility = None if row.facility is None else draw(st.integers(0, row.facility.highest))
    return row, facility, draw(st.integers(0, row.number.highest))


@given(cards())
def test_decoding_is_the_inverse_of_encoding(card: tuple[CardFormat, int | None, int]) -> None:
    row, facility, number = card
    bits, length = BUILT_IN.encode(row.name, facility, number)
    readings = {reading.identifier.format: reading for reading in BUILT_IN.read(bits, length)}
    identifier = readings[row.name].identifier
    assert (identifier.facility_code, identifier.number) == (facility, number)
    assert readings[row.name].parity_ok is (True if row.parities else None)


@given(cards(), st.data())
def test_any_single_flipped_bit_under_parity_is_seen(
    card: tuple[CardFormat, int | None, int], data: st.DataObject
) -> None:
    row, facility, number = card
    if not row.parities:
        return
    bits, length = BUILT_IN.encode(row.name, facility, number)
    flipped = bits ^ 1 << data.draw(st.integers(0, length - 1))
    reading = next(each for each in BUILT_IN.read(flipped, length) if each.identifier.format == row.name)
    assert reading.parity_ok is False


@given(cards())
def test_payload_is_the_fields_side_by_side(card: tuple[CardFormat, int | None, int]) -> None:
    row, facility, number = card
    identifier = from_payload(row, (facility or 0) << row.number.width | number)
    assert identifier is not None
    assert (identifier.facility_code, identifier.number) == (facility, number)


@given(st.integers(1, 256), st.data())
def test_any_bits_decode_to_the_formats_of_their_length_in_table_order(length: int, data: st.DataObject) -> None:
    readings = BUILT_IN.read(data.draw(st.integers(0, (1 << length) - 1)), length)
    assert [each.identifier.format for each in readings] == [row.name for row in BUILT_IN.rows if row.length == length]


def test_format_without_parity_says_null_and_unknown_length_gives_no_readings() -> None:
    assert decode_line(32, "00AB1234")["readings"] == [
        {"format": "WIE32", "facility_code": 0xAB, "card_number": 0x1234, "parity_ok": None},
        {"format": "UID32", "facility_code": None, "card_number": 0x00AB1234, "parity_ok": None},
    ]
    assert decode_line(29, "1")["readings"] == []


@pytest.mark.parametrize(
    ("bits", "text", "key"),
    [
        (26, "4000000", "hex"),
        (26, "XYZ", "hex"),
        (26, "", "hex"),
        (0, "1", "bits"),
        (100_000, "1", "bits"),
        (8, "-1", "hex"),
    ],
)
def test_bad_line_is_refused_by_name(bits: int, text: str, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        decode_line(bits, text)
    assert caught.value.key == key
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("name", "facility", "number", "key", "remedy"),
    [
        ("H10301", 256, 1, "facility", "0 to 255"),
        ("H10301", 1, 65536, "number", "0 to 65535"),
        ("H10301", 1, -1, "number", "0 to 65535"),
        ("H10301", None, 1, "facility", "needs one"),
        ("H10302", 1, 1, "facility", "leave it out"),
        ("H10399", 1, 1, "format", "H10301"),
    ],
)
def test_card_out_of_range_is_refused_with_the_range(
    name: str, facility: int | None, number: int, key: str, remedy: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        encode_card(name, facility, number)
    assert caught.value.key == key
    assert remedy in caught.value.remedy

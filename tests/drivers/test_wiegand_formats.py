"""Card formats: golden vectors, another reading of every layout, and by property."""

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.wiegand.card_commands import decode_line, encode_card
from drivers.wiegand.card_format import CardFormat
from drivers.wiegand.formats import BUILT_IN, uid_reading
from gateway.domain.credential import Identifier
from gateway.errors import ConfigError
from tests.drivers.card_layouts import LAYOUTS, VECTORS, Layout

OF_WIRE_FORMATS = ["H10301", "ind26", "WIE32", "D10202", "H10306", "N10002", "BQT34", "C1k35s", "H10302", "H10304"]
each_layout = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)


@pytest.mark.parametrize("vector", VECTORS["cards"], ids=lambda vector: f"{vector['format']}-{vector['hex']}")
def test_golden_vector_encodes_and_decodes(vector: dict[str, object]) -> None:
    wanted = {key: vector[key] for key in ("format", "facility_code", "card_number")}
    encoded = encode_card(*wanted.values())  # type: ignore[arg-type]
    assert (encoded["bits"], encoded["hex"]) == (vector["bits"], vector["hex"])
    decoded = decode_line(int(str(vector["bits"])), str(vector["hex"]))
    assert {**wanted, "parity_ok": vector["parity_ok"]} in decoded["readings"]


def test_every_format_has_a_layout_of_its_own_source_and_golden_vectors() -> None:
    assert list(LAYOUTS) != []
    assert set(LAYOUTS) == set(BUILT_IN.names)
    assert all(layout.source for layout in LAYOUTS.values())
    assert {vector["format"] for vector in VECTORS["cards"]} == set(BUILT_IN.names)


def test_names_are_unique_and_lengths_ascend_so_that_table_order_is_priority_within_a_length() -> None:
    assert len(set(BUILT_IN.names)) == len(BUILT_IN.names) >= 40
    lengths = [row.length for row in BUILT_IN.rows]
    assert lengths == sorted(lengths)
    for _, rows in groupby(BUILT_IN.rows, lambda row: row.length):
        common = [row.name in OF_WIRE_FORMATS for row in rows]
        assert common == sorted(common, reverse=True)


@each_layout
@given(st.data())
def test_any_message_reads_as_the_layout_says(layout: Layout, data: st.DataObject) -> None:
    value = data.draw(st.integers(0, (1 << layout.bits) - 1))
    text = f"{value:0{layout.bits}b}"
    if data.draw(st.booleans()):
        text = layout.with_parities(text)
    (reading,) = BUILT_IN.read(int(text, 2), layout.bits, (layout.name,))
    assert reading.identifier == Identifier(layout.name, layout.facility_of(text), layout.number_of(text))
    assert reading.parity_ok is layout.parity_ok(text)


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


@given(cards())
def test_encoding_sets_the_parities_of_the_layout(card: tuple[CardFormat, int | None, int]) -> None:
    row, facility, number = card
    bits, length = BUILT_IN.encode(row.name, facility, number)
    text = f"{bits:0{length}b}"
    layout = LAYOUTS[row.name]
    assert layout.parity_ok(text) is (True if layout.parities else None)
    if not layout.extras:
        assert text == layout.message(facility, number)


@given(cards(), st.data())
def test_any_single_flipped_bit_under_parity_is_seen(
    card: tuple[CardFormat, int | None, int], data: st.DataObject
) -> None:
    row, facility, number = card
    watched = sorted(LAYOUTS[row.name].covered())
    if not watched:
        return
    bits, length = BUILT_IN.encode(row.name, facility, number)
    flipped = bits ^ 1 << length - 1 - data.draw(st.sampled_from(watched))
    (reading,) = BUILT_IN.read(flipped, length, (row.name,))
    assert reading.parity_ok is False


@given(cards())
def test_a_converters_number_is_the_message_without_the_parities_at_both_ends(
    card: tuple[CardFormat, int | None, int],
) -> None:
    row, facility, number = card
    bits, length = BUILT_IN.encode(row.name, facility, number)
    (whole,) = BUILT_IN.read(bits, length, (row.name,))
    at_both_ends = {"0", str(length - 1)} <= {parity.split(" ")[1] for parity in LAYOUTS[row.name].parities}
    payload = int(f"{bits:0{length}b}"[1:-1], 2) if at_both_ends else bits
    (reading,) = BUILT_IN.read_payload(payload, (row.name,))
    assert (reading.identifier, reading.parity_ok) == (whole.identifier, None)
    stripped = BUILT_IN.read_stripped(payload, length, (row.name,))
    assert stripped == ((reading,) if at_both_ends else ())


def test_facility_code_and_number_of_the_open_format_are_the_payload_side_by_side() -> None:
    (reading,) = BUILT_IN.read_payload(123 << 16 | 4567, ("H10301",))
    assert reading.identifier == Identifier("H10301", 123, 4567)


@given(st.sampled_from(BUILT_IN.names), st.integers(-(1 << 90), 1 << 90))
def test_a_payload_that_is_too_long_is_no_reading(name: str, payload: int) -> None:
    row = BUILT_IN.find(name)
    room = row.length - 2 if {0, row.length - 1} <= {parity.at for parity in row.parities} else row.length
    for found in (BUILT_IN.read_payload(payload, (name,)), BUILT_IN.read_stripped(payload, row.length, (name,))):
        assert not found or 0 <= payload < 1 << room


@given(st.integers(1, 256), st.data())
def test_any_bits_decode_to_the_formats_of_their_length_in_table_order(length: int, data: st.DataObject) -> None:
    readings = BUILT_IN.read(data.draw(st.integers(0, (1 << length) - 1)), length)
    assert [each.identifier.format for each in readings] == [row.name for row in BUILT_IN.rows if row.length == length]


def test_a_readers_formats_are_its_priority_and_others_of_the_length_don_t_count() -> None:
    names = ("BQT34", "H10301", "H10306")
    assert [each.identifier.format for each in BUILT_IN.read(0, 34, names)] == ["BQT34", "H10306"]
    assert [each.identifier.format for each in BUILT_IN.read(0, 26, names)] == ["H10301"]
    assert BUILT_IN.read(0, 37, names) == ()


@pytest.mark.parametrize(
    ("one", "two", "confusable"),
    [
        ("H10301", "ind26", True),
        ("H10302", "H10304", True),
        ("C15001", "S12906", False),
        ("W36", "S12906", False),
        ("Kastle", "B32", True),
        ("H10306", "H10301", False),
        ("UID32", "WIE32", True),
    ],
)
def test_formats_are_confusable_where_one_message_can_be_sound_in_both(one: str, two: str, confusable: bool) -> None:
    assert BUILT_IN.confusable((one, two)) == ([(one, two)] if confusable else [])


@given(st.data())
def test_no_message_is_sound_in_two_formats_that_are_not_confusable(data: st.DataObject) -> None:
    one, two = LAYOUTS["S12906"], LAYOUTS[data.draw(st.sampled_from(["C15001", "ACTPHID", "W36"]))]
    text = one.with_parities(f"{data.draw(st.integers(0, (1 << 36) - 1)):036b}")
    assert [each.parity_ok for each in BUILT_IN.read(int(text, 2), 36, (one.name, two.name))] == [True, False]


@pytest.mark.parametrize(("bits", "length"), [(-1, 26), (1 << 26, 26)])
def test_bits_beyond_the_length_are_refused(bits: int, length: int) -> None:
    with pytest.raises(ValueError, match="26 bits"):
        BUILT_IN.read(bits, length)


def test_the_version_of_an_em4100_tag_is_an_attribute_of_its_reading() -> None:
    (reading,) = BUILT_IN.read(0x14008EC793, 40, ("EM4100",))
    assert (reading.identifier, reading.version_byte) == (Identifier("EM4100", None, 0x008EC793), 0x14)


def test_an_issue_level_and_an_oem_code_name_no_card() -> None:
    bits, length = BUILT_IN.encode("Kastle", 5, 6)
    reissued = LAYOUTS["Kastle"].with_parities(f"{bits | 0b11111 << 25:0{length}b}")
    (reading,) = BUILT_IN.read(int(reissued, 2), length, ("Kastle",))
    assert (reading.identifier, reading.parity_ok) == (Identifier("Kastle", 5, 6), True)


@pytest.mark.parametrize(("text", "name"), [("94D8FC5F", "UID32"), ("04A1B2C3D4E580", "UID56"), ("01" * 8, "UID64")])
def test_a_chips_uid_is_named_by_its_length(text: str, name: str) -> None:
    reading = uid_reading(bytes.fromhex(text))
    assert reading is not None
    assert reading.identifier == Identifier(name, None, int(text, 16))
    assert BUILT_IN.read(int(text, 16), len(text) * 4, (name,)) == (reading,)


def test_no_chip_has_a_uid_of_six_bytes() -> None:
    assert uid_reading(bytes(6)) is None


def test_format_without_parity_says_null_and_unknown_length_gives_no_readings() -> None:
    found = {each["format"]: each for each in decode_line(32, "00AB1234")["readings"]}
    assert found["WIE32"] == {"format": "WIE32", "facility_code": 0xAB, "card_number": 0x1234, "parity_ok": None}
    assert found["UID32R"]["card_number"] == 0x3412AB00
    assert decode_line(41, "1")["readings"] == []
    assert decode_line(1, "1") == {"bits": 1, "hex": "1", "readings": []}
    assert decode_line(256, "F" * 64)["hex"] == "F" * 64


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

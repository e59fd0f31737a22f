"""`[wiegand_format.NAME]`: a site's own card formats, read as TOML and refused by key, value, remedy and line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.card_formats import BitsUnclear, bits_of, format_table
from config.loader import ConfigFaults, parse_config
from gateway.domain.credential import Identifier

DEMO = (Path(__file__).parents[2] / "config" / "demo.toml").read_text(encoding="utf-8")
OWN = """
[wiegand_format.W26N]
length = 26
number = "1-24"
parities = [
  { bit = 0, kind = "even", over = "1-12" },
  { bit = 25, kind = "odd", over = ".............XXXXXXXXXXXX." },
]
"""


def faults(text: str) -> list[tuple[str, object, str, int | None]]:
    with pytest.raises(ConfigFaults) as caught:
        parse_config(text.encode())
    return [(each.key, each.value, each.remedy, each.line) for each in caught.value.faults]


def own(*lines: str) -> str:
    """The demo with a format of these lines."""
    return DEMO + "\n[wiegand_format.OWN]\n" + "\n".join(lines) + "\n"


def test_a_sites_own_format_is_read_written_and_named_by_its_readers() -> None:
    config = parse_config((DEMO.replace('["H10301"]', '["W26N", "H10301"]', 1) + OWN).encode())
    table = format_table(config)
    assert table.encode("W26N", None, 8065495) == (0x2F623AE, 26)
    readings = table.read(0x2F623AE, 26, ("W26N", "H10301"))
    assert [each.identifier for each in readings] == [
        Identifier("W26N", None, 8065495),
        Identifier("H10301", 123, 4567),
    ]
    assert all(each.parity_ok for each in readings)
    assert table.read(0x2F623AE ^ 2, 26, ("W26N",))[0].parity_ok is False


def test_fields_may_be_split_reversed_decimal_and_beside_fixed_bits() -> None:
    lines = ("length = 20", 'facility = "3-0"', 'number = "8-11,4-7"', "decimal = true", 'fixed = { "19" = 1 }')
    table = format_table(parse_config(own(*lines).encode()))
    assert table.encode("OWN", 0b1000, 42) == (0b0001_0010_0100_0000_0001, 20)
    (reading,) = table.read(0b0001_0010_0100_0000_0001, 20)
    assert reading.identifier == Identifier("OWN", 8, 42)
    assert reading.parity_ok is None
    assert table.read(0b0001_0010_0100_0000_0000, 20)[0].parity_ok is False
    assert table.read(0b0001_1111_0100_0000_0001, 20)[0].parity_ok is False


def test_a_site_without_formats_has_the_built_in_ones() -> None:
    assert format_table(parse_config(DEMO.encode())).names[0] == "H10301"


@pytest.mark.parametrize(
    ("lines", "key", "value", "remedy"),
    [
        (('number = "0-15"',), "OWN.length", None, "is needed and missing"),
        (("length = 26",), "OWN.number", None, "is needed and missing"),
        (("length = 8", 'number = "0-7"'), "OWN.length", 8, "must be 16 or more"),
        (("length = 26", 'number = "1-26"'), "OWN.number", "1-26", "has 0 to 25"),
        (("length = 26", 'number = "1-8,8"'), "OWN.number", "1-8,8", "names bit 8 twice"),
        (("length = 26", 'number = "1..8"'), "OWN.number", "1..8", 'write bits as "9-24"'),
        (("length = 26", 'number = "1-2-3"'), "OWN.number", "1-2-3", 'write bits as "9-24"'),
        (("length = 26", 'number = ".XX."'), "OWN.number", ".XX.", "26 bits; this one has 4"),
        (("length = 16", f'number = "{"." * 16}"'), "OWN.number", "." * 16, "names no bit"),
        (("length = 200", 'number = "0-128"'), "OWN.number", "0-128", "takes 128 at most"),
        (("length = 60", 'number = "40-50"', 'facility = "0-32"'), "OWN.facility", "0-32", "takes 32 at most"),
        (("length = 26", 'number = "8-24"', 'facility = "1-8"'), "OWN.number", "8-24", "bit 8 belongs to facility"),
        (("length = 26", 'number = "1-6"', "decimal = true"), "OWN.number", "1-6", "take four each"),
        (("length = 26", 'number = "1-24"', 'fixed = { "24" = 1 }'), "OWN.fixed", "24", "belongs to number"),
        (("length = 26", 'number = "1-24"', 'fixed = { "26" = 1 }'), "OWN.fixed", "26", "write 0 to 25"),
        (("length = 26", 'number = "1-24"', 'fixed = { "25" = 2 }'), "OWN.fixed.25", 2, "must be 1 or less"),
        (("length = 26", 'number = "1-24"', "colour = 1"), "OWN.colour", None, "known here: decimal"),
    ],
)
def test_a_bad_table_is_refused_by_key_value_and_remedy(
    lines: tuple[str, ...], key: str, value: object, remedy: str
) -> None:
    found = faults(own(*lines))
    assert [each for each in found if each[0] == f"wiegand_format.{key}" and remedy in each[2]], found
    assert [each[1] for each in found if each[0] == f"wiegand_format.{key}"] == [value]


@pytest.mark.parametrize(
    ("parities", "key", "remedy"),
    [
        ('{ bit = 0, kind = "even", over = "0-12" }', "0.over", "covers its own bit 0"),
        ('{ bit = 26, kind = "even", over = "1-12" }', "0.bit", "write 0 to 25"),
        ('{ bit = 1, kind = "even", over = "2-12" }', "0.bit", "belongs to number"),
        ('{ bit = 0, kind = "even", over = "1-30" }', "0.over", "has 0 to 25"),
        ('{ bit = 0, kind = "mark", over = "1-12" }', "0.kind", "choose"),
        (
            '{ bit = 0, kind = "even", over = "1-12" }, { bit = 0, kind = "odd", over = "1-12" }',
            "1.bit",
            "belongs to parity 0",
        ),
        (
            '{ bit = 0, kind = "even", over = "1-12,25" }, { bit = 25, kind = "odd", over = "13-24" }',
            "0.over",
            "put that one before",
        ),
    ],
)
def test_a_bad_parity_is_refused_with_its_line(parities: str, key: str, remedy: str) -> None:
    text = own("length = 26", 'number = "1-24"', f"parities = [{parities}]")
    line = max(at for at, each in enumerate(text.splitlines(), 1) if each.startswith("parities"))
    found = [each for each in faults(text) if each[0] == f"wiegand_format.OWN.parities.{key}"]
    assert [(remedy in each[2], each[3]) for each in found] == [(True, line)]


@pytest.mark.parametrize("name", ["H10301", "h10301", "uid32", "PLATE", "pin6", "ABA"])
def test_a_name_that_means_something_else_is_refused(name: str) -> None:
    found = faults(DEMO + OWN.replace("W26N", name))
    assert [each for each in found if each[0] == f"wiegand_format.{name}" and "choose another name" in each[2]]


def test_two_names_that_differ_by_capitals_only_are_refused() -> None:
    assert {each[1] for each in faults(DEMO + OWN + OWN.replace("W26N", "w26n"))} == {"W26N", "w26n"}


def test_a_name_of_other_signs_is_refused() -> None:
    assert [each[2] for each in faults(DEMO + OWN.replace("W26N", "w-26"))] == [
        "use up to 16 letters and digits for a format's name"
    ]


@pytest.mark.parametrize(
    ("good", "bad", "key", "remedy"),
    [
        ('["H10301"]', '["H1O301"]', "device.yard-reader.formats", "did you mean 'H10301'?"),
        ('["H10301"]', '["H10301", "H10301"]', "device.yard-reader.formats", "is named twice"),
        ('["H10301"]', "[]", "device.yard-reader.formats", "1 or more"),
        (
            'readers = ["yard-reader"]',
            'readers = ["yard-reader"]\nfacility = { format = "UID32", code = 1 }',
            "access_point.yard.facility.format",
            "has no facility code",
        ),
        (
            'readers = ["yard-reader"]',
            'readers = ["yard-reader"]\nfacility = { format = "H10301", code = 256 }',
            "access_point.yard.facility.code",
            "holds 0 to 255",
        ),
        (
            'readers = ["yard-reader"]',
            'readers = ["yard-reader"]\nfacility = { format = "W26", code = 1 }',
            "access_point.yard.facility.format",
            "there is no such card format",
        ),
    ],
)
def test_whoever_names_a_format_names_one_that_there_is(good: str, bad: str, key: str, remedy: str) -> None:
    found = faults(DEMO.replace(good, bad, 1))
    assert [each for each in found if each[0] == key and remedy in each[2]], found


def test_a_reader_whose_messages_are_none_of_its_formats_is_refused() -> None:
    odd = '\n[device.odd]\ndriver = "serial-frame"\nport = "tty/odd"\nlength = 8\nbits = 30\nformats = ["H10301"]\n'
    (found,) = faults(DEMO + odd)
    assert found[:2] == ("device.odd.bits", 30)
    assert "none of its formats (H10301) has so many bits" in found[2]
    assert "odd" in parse_config((DEMO + odd.replace("bits = 30", "bits = 26")).encode()).devices


@given(st.text(alphabet="0123456789-,X. x", max_size=40), st.integers(16, 64))
def test_any_text_is_bits_of_the_message_or_unclear(text: str, length: int) -> None:
    try:
        places = bits_of(text, length)
    except BitsUnclear:
        return
    assert places
    assert len(set(places)) == len(places)
    assert all(0 <= bit < length for bit in places)


def test_the_digits_of_a_stripe_are_the_sites() -> None:
    text = DEMO + '\n[track2]\nnumber = "3-8"\nfacility = "0-2"\n'
    layout = format_table(parse_config(text.encode())).track2
    assert (layout.number, layout.facility) == ((3, 4, 5, 6, 7, 8), (0, 1, 2))


@pytest.mark.parametrize(
    ("line", "key", "remedy"),
    [
        ('number = "37"', "track2.number", "0 to 36"),
        ('number = "1-2-3"', "track2.number", "write digits as"),
        ('number = "0-5"\nfacility = "5"', "track2.facility", "digit 5 belongs to number"),
        ('facility = "0-9"', "track2.facility", "takes 9 at most"),
        ('digits = "1"', "track2.digits", "known here: facility, number"),
    ],
)
def test_bad_digits_of_a_stripe_are_refused(line: str, key: str, remedy: str) -> None:
    found = faults(f"{DEMO}\n[track2]\n{line}\n")
    assert [each for each in found if each[0] == key and remedy in each[2] and each[3] is not None], found


def test_a_reader_may_name_stripes_among_its_formats() -> None:
    parse_config(DEMO.replace('["H10301"]', '["ABA", "H10301"]', 1).encode())

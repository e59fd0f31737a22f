"""Numbers printed on cards: makers' own examples, and by property."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.wiegand.card_commands import decode_line
from drivers.wiegand.formats import BUILT_IN
from drivers.wiegand.printed import printed_forms


@pytest.mark.parametrize(
    ("form", "digits"),
    [
        ("6H8D", "12023250"),
        ("8H10D", "0045577682"),
        ("2H3D,4H5D", "183,30162"),
        ("4H5D,4H5D", "00695,30162"),
        ("10H13D", "0270628517330"),
        ("2.4H", "B7.75D2"),
        ("hex", "3F02B775D2"),
        ("hex reversed", "D275B7023F"),
        ("decimal", "270628517330"),
    ],
)
def test_a_card_printers_order_form_has_these_for_the_tag_3f02b775d2(form: str, digits: str) -> None:
    """Zhongyi's order form: (3F)02B775D2 and what is printed of it."""
    assert printed_forms(0x3F02B775D2, 40)[form] == digits


def test_a_message_between_parities_is_printed_without_them() -> None:
    """Sintron's card 0013961168, 213 02000."""
    forms = printed_forms(*BUILT_IN.encode("H10306", 0x00D5, 0x07D0))
    assert (forms["8H10D"], forms["2H3D,4H5D"]) == ("0013961168", "213,02000")
    assert printed_forms(*BUILT_IN.encode("H10301", 213, 2000))["2H3D,4H5D"] == "213,02000"


def test_a_form_that_needs_more_bytes_than_were_sent_is_not_there() -> None:
    forms = printed_forms(*BUILT_IN.encode("UID34", None, 0x89D41B81))
    assert forms["hex"] == "89D41B81"
    assert "10H13D" not in forms
    assert "8H10D" not in printed_forms(*BUILT_IN.encode("H10301", 213, 2000))
    assert printed_forms(1, 1) == {"hex": "01", "decimal": "1"}


def test_the_bytes_in_the_other_order_are_printed_too() -> None:
    """Nitgen eNCard-i manual: 529D06E3 is 1386022627, and E3069D52 is 3808861522."""
    forms = printed_forms(0x529D06E3, 32)
    assert (forms["8H10D"], forms["8H10D reversed"]) == ("1386022627", "3808861522")
    assert forms["hex reversed"] == "E3069D52"


def test_the_command_lists_them_on_request_and_keeps_its_shape_without() -> None:
    plain = decode_line(26, "2F623AE")
    printed = decode_line(26, "2F623AE", printed=True)
    assert printed.pop("printed")["6H8D"] == "08065495"
    assert printed == plain
    assert set(plain) == {"bits", "hex", "readings"}


@given(st.integers(1, 128), st.data())
def test_any_bits_have_forms_of_their_promised_width(length: int, data: st.DataObject) -> None:
    forms = printed_forms(data.draw(st.integers(0, (1 << length) - 1)), length)
    assert {"hex", "decimal"} <= set(forms)
    for form, digits in forms.items():
        name = form.removesuffix(" reversed")
        if name[0].isdigit() and "." not in name:
            widths = [int(part.partition("H")[2].removesuffix("D")) for part in name.split(",")]
            assert [len(part) for part in digits.split(",")] == widths


def test_the_manual_shows_each_form_of_this_tag() -> None:
    page = (Path(__file__).parents[2] / "docs" / "drivers" / "wiegand.md").read_text(encoding="utf-8")
    forms = printed_forms(0x3F02B775D2, 40)
    for form in [name for name in forms if "reversed" not in name and name not in ("hex", "decimal")]:
        assert f"| `{form}` | {forms[form]} |" in page
    assert f"| `hex`, `decimal` | {forms['hex']}, {forms['decimal']} |" in page

from typing import Any

import pytest
from pydantic import ValidationError

from drivers.osdp.settings import DEFAULT_KEY, BusSettings, ReaderSettings, read_key
from gateway.errors import ConfigError

KEY = "00112233445566778899aabbccddeeff"


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({}, "needs key"),
        ({"key": "file:secrets/r", "insecure": True}, "means no secure channel"),
        ({"key": KEY}, "pattern"),
        ({"insecure": True, "address": 127}, "less than or equal to 126"),
        ({"insecure": True, "colour": "red"}, "Extra inputs"),
    ],
)
def test_a_reader_is_secure_or_says_on_purpose_that_it_is_not(settings: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        ReaderSettings.model_validate({"bus": "b", "address": 0, **settings})


def test_a_speed_that_no_reader_speaks_is_refused() -> None:
    with pytest.raises(ValidationError, match="use one of 9600"):
        BusSettings(port="p", baud=4800)


def test_a_key_is_32_hex_digits_in_either_case() -> None:
    assert read_key(KEY.upper(), "file:x") == bytes.fromhex(KEY)


@pytest.mark.parametrize("text", ["", KEY[:-1], KEY + "0", "g" * 32, DEFAULT_KEY.hex(), "00" * 16, "ff" * 16])
def test_a_key_that_is_none_or_everybodys_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(ConfigError, match="set-key") as raised:
        read_key(text, "file:secrets/r1.scbk")
    assert not text or text not in str(raised.value)

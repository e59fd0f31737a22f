"""No fault repeats a secret or a whole table: it names the key, its own line, and what to write in words."""

import pytest

from config.loader import ConfigFaults, parse_config
from tests.config.test_loader import DEMO, faults, line_of

BROKER = """
[broker.main]
host = "broker"
username = "gate"
password = "file:secrets/broker"
"""
OSDP = """
[device.line]
driver = "osdp-bus"
port = "tty/line"

[device.one]
driver = "osdp-reader"
bus = "line"
address = 1
key = "file:secrets/one.scbk"

[device.two]
driver = "osdp-reader"
bus = "line"
address = 2
key = "file:secrets/two.scbk"
"""
FRAMES = """
[device.frames]
driver = "serial-frame"
port = "tty/frames"
length_at = 3
formats = ["H10301"]
end = "0D"
"""


def told(text: str) -> str:
    """Every fault as a person reads it."""
    with pytest.raises(ConfigFaults) as caught:
        parse_config(text.encode())
    return "\n".join(map(str, caught.value.faults))


@pytest.mark.parametrize(
    ("good", "bad", "key"),
    [
        ('password = "file:secrets/broker"', "password = 'hunter2'", "broker.main.password"),
        ('password = "file:secrets/broker"', "password = 4077117", "broker.main.password"),
        ('"file:secrets/one.scbk"', '"00112233445566778899AABBCCDDEEFF"', "device.one.key"),
        ('"file:secrets/camera-yard"', '"hunter2"', "camera.yard.password"),
        ('"file:secrets/office-token"', '"hunter2"', "office.token"),
    ],
)
def test_a_secret_is_never_shown(good: str, bad: str, key: str) -> None:
    whole = DEMO + BROKER + OSDP
    assert good in whole
    text = whole.replace(good, bad, 1)
    remedy, line = faults(text)[key]
    assert remedy == "a secret stands here: write where it is, file:secrets/NAME or env:NAME"
    assert line == line_of(text, bad)
    assert bad.rsplit("= ", maxsplit=1)[-1].strip("'\"") not in told(text)


def test_an_unknown_key_may_be_a_misspelt_secret_so_its_value_is_not_shown() -> None:
    text = DEMO + BROKER.replace("password =", "pasword =").replace("file:secrets/broker", "hunter2")
    assert "did you mean 'password'?" in told(text)
    assert "hunter2" not in told(text)


@pytest.mark.parametrize(
    ("text", "key", "at"),
    [
        (FRAMES, "device.frames", "length_at = 3"),
        (BROKER.replace('username = "gate"\n', ""), "broker.main", "password ="),
        (BROKER + 'ca_file = "ca.pem"\ninsecure = true\n', "broker.main", "insecure ="),
    ],
)
def test_a_fault_across_keys_has_the_line_of_the_first_one_and_shows_no_table(text: str, key: str, at: str) -> None:
    remedy, line = faults(DEMO + text)[key]
    assert at.split(" ", maxsplit=1)[0] in remedy
    assert line == DEMO.count("\n") + line_of(text, at)
    assert "{" not in told(DEMO + text)


def test_every_osdp_reader_has_a_key_of_its_own() -> None:
    assert {"one", "two"} <= set(parse_config((DEMO + OSDP).encode()).devices)
    text = DEMO + OSDP.replace("two.scbk", "one.scbk")
    remedy, line = faults(text)["device.two.key"]
    assert remedy == "'one' has this key already: give each its own"
    assert line == text[: text.rindex("key =")].count("\n") + 1

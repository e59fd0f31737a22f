"""What check warns of, with key, line and remedy; and what of it is found in the site's data directory."""

import re
from pathlib import Path

import pytest

from config.cautions import cautions
from config.loader import parse_config
from config.wiring import to_site
from gateway.commands.check import check_site
from tests.config.test_loader import DEMO
from tests.config.test_told_secrets import OSDP

BROKER = '[broker.plain]\nhost = "broker"\nport = 1883\n'
HW = '[device.little]\ndriver = "hw-667"\nport = "tty/little"\n'
GARAGE = 'lock = { device = "garage-relay", output = 0, kind = "fail_secure", wiring = "NO" }'


def warned(text: str) -> dict[str, str]:
    """Key -> remedy of every caution."""
    return {caution.key: caution.remedy for caution in cautions(parse_config(text.encode()))}


@pytest.mark.parametrize(
    ("text", "key", "remedy"),
    [
        (DEMO.replace('wiring = "NC"', 'wiring = "NO"', 1), "door.north.lock.wiring", "wire a fail_safe lock to NC"),
        (DEMO.replace('wiring = "NO"', 'wiring = "NC"', 1), "door.yard.lock.wiring", "wire a fail_secure lock to NO"),
        (DEMO + OSDP, "device.one", "belongs to no access point and no tour"),
        (
            DEMO.replace('purpose = "fire"', 'purpose = "panic"'),
            "door.north.fire_release",
            "no fire input, so none of north, ",
        ),
        (
            DEMO.replace("[office]\n", "[office]\ninsecure = true\n"),
            "office.insecure",
            "who is on the line can say yes",
        ),
        (DEMO + BROKER, "broker.plain.port", "use 8883, or say insecure = true"),
        (
            DEMO.replace(GARAGE, GARAGE.replace("garage-relay", "little")) + HW,
            "door.garage.lock.device",
            "it times 1 s: write 1.0 for release_time_s and extended_release_time_s",
        ),
    ],
)
def test_what_runs_but_less_safely_than_it_could_is_told_with_its_remedy(text: str, key: str, remedy: str) -> None:
    assert key not in warned(DEMO)
    assert remedy in warned(text)[key]
    said = [caution.said("zh-CN") for caution in cautions(parse_config(text.encode())) if caution.key == key]
    assert all(re.search("[\u4e00-\u9fff]{4}", each) for each in said)


def test_a_plain_broker_that_names_its_certificate_or_says_so_is_no_riddle() -> None:
    assert "broker.plain.port" not in warned(DEMO + BROKER + 'ca_file = "ca.pem"\n')
    assert list(warned(DEMO + BROKER + "insecure = true\n")).count("broker.plain.port") == 0


def test_an_office_without_tls_is_a_standing_alarm() -> None:
    assert "office" not in to_site(parse_config(DEMO.encode())).insecure_links
    plain = DEMO.replace("[office]\n", "[office]\ninsecure = true\n")
    assert "office" in to_site(parse_config(plain.encode())).insecure_links


@pytest.mark.parametrize(
    ("driver", "warns"),
    [
        ('driver = "esphome-reader"\nchip = "rc522"', False),
        ('driver = "esphome-reader"', True),
        ('driver = "esp-rfid-reader"', False),
        ('driver = "esp-rfid-reader"\nreads = "wiegand"', True),
    ],
)
def test_a_reader_of_chips_is_not_asked_for_formats_that_it_does_not_read(driver: str, warns: bool) -> None:
    reader = f'[device.chips]\n{driver}\nbroker = "plain"\ntopic = "chips"\n'
    assert ("device.chips.formats" in warned(DEMO + BROKER + reader)) is warns


def test_a_warning_has_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, text = tmp_path / "site.toml", DEMO + BROKER
    path.write_text("\ufeff" + text, encoding="utf-8")
    assert check_site(path, None) == 0
    assert (
        f"warning: broker.plain.port = 1883 (line {text.count(chr(10), 0, text.index('port = 1883' + chr(10))) + 1}): "
        in capsys.readouterr().err
    )


def test_ports_that_are_not_there_are_told_where_the_data_directory_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "site.toml"
    path.write_text(DEMO, encoding="utf-8")
    assert check_site(path, tmp_path) == 0
    assert f"{tmp_path / 'tty/board'} isn't there: plug the device in" in capsys.readouterr().err
    (tmp_path / "tty").mkdir()
    (tmp_path / "tty/board").touch()
    assert check_site(path, tmp_path) == 0
    assert "tty/board" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("secret", "told"),
    [
        (None, "can't be read"),
        ("0011", "must hold 32 hex digits: remove it, put the reader into install mode, and "),
        ("30" * 16, "holds a key that everybody knows: remove it"),
        ("000102030405060708090a0b0c0d0e0f", None),
    ],
)
def test_an_osdp_key_that_cannot_be_used_names_the_command_that_makes_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], secret: str | None, told: str | None
) -> None:
    path = tmp_path / "site.toml"
    path.write_text(DEMO + OSDP, encoding="utf-8")
    (tmp_path / "secrets").mkdir()
    if secret is not None:
        (tmp_path / "secrets" / "one.scbk").write_text(secret, encoding="ascii")
        (tmp_path / "secrets" / "one.scbk").chmod(0o600)
    assert check_site(path, tmp_path) == 0
    said = [line for line in capsys.readouterr().err.splitlines() if "device.one.key" in line]
    assert len(said) == (told is not None)
    if told is not None:
        assert told in said[0]
        assert "`gatehouse osdp set-key one --config SITE.toml` makes one" in said[0]
        assert secret is None or secret not in said[0]

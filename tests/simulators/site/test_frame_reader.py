"""What the simulated reader says by a description, against published frames and what the driver reads of it."""

from pathlib import Path
from typing import Any

import pytest

from drivers.registry import DriverContext, find_driver
from gateway.clock import SystemClock
from gateway.domain.credential import Identifier
from gateway.domain.signals import CardRead, KeyPressed, LinkChanged
from simulators.card import Card, CardUnreadable
from simulators.frame_reader import FrameReader, frame_of
from simulators.pty_line import PtyLine
from tests.drivers.recording import Recorder, running
from tests.drivers.test_serial_frame import DESCRIBED

SHOWN = {"H10301": Card("H10301", 4567, 123), "EM4100": Card("EM4100", 0x008EC793, version=0x14)}


@pytest.mark.parametrize(
    ("name", "card"),
    [
        ("rdm6300", Card("EM4100", 0x008EC793, version=0x14)),
        ("em18", Card("EM4100", 0x00C5D1E9, version=0x45)),
        ("s4a", SHOWN["H10301"]),
        ("wie232", SHOWN["H10301"]),
        ("sum after the end", SHOWN["H10301"]),
        ("start alone", Card("H10301", 10811, 0)),
    ],
)
def test_card_is_said_as_the_published_frame(name: str, card: Card) -> None:
    described, frame, _ = DESCRIBED[name]
    assert frame_of(card, described) == frame


@pytest.mark.parametrize(
    "described",
    [
        DESCRIBED["with a length byte"][0],
        {"start": "AA55", "end": "0D", "encoding": "binary", "length": 6, "checksum": "crc16-ccitt", "bits": 26,
         "byte_order": "little", "formats": ["H10301"]},
        {"start": "02", "end": "03", "checksum": "crc16-xmodem", "checksum_over": ["start", "text", "end"],
         "checksum_after_end": True, "checksum_order": "little", "number": "1-4", "formats": ["H10306"]},
        {"encoding": "binary", "length": 8, "checksum": "crc16-modbus", "checksum_order": "little", "number": "2-5",
         "formats": ["H10301"], "keys": "30 31 32 33 34 35 36 37 38 39 2A 23"},
    ],
    ids=["length byte", "two-byte start", "after the end", "no marks"],
)  # fmt: skip
async def test_simulated_reader_and_driver_agree_on_a_description(tmp_path: Path, described: dict[str, Any]) -> None:
    device = FrameReader(described, PtyLine(tmp_path / "reader"))
    device.plug()
    driver = find_driver("serial-frame")
    assert driver is not None
    sink = Recorder()
    settings = driver.settings.model_validate({"port": str(tmp_path / "reader"), **described})
    reader = driver.build(settings, DriverContext("yard", sink, SystemClock(), {}, str))
    card = SHOWN.get(described["formats"][0], Card("H10306", 2, 1))
    async with running(reader.run()):
        await sink.wait_for(LinkChanged)
        await device.swipe(card)
        (read,) = await sink.wait_for(CardRead)
        if "keys" in described:
            await device.press("#")
            await sink.wait_for(KeyPressed)
    await device.unplug()
    assert read.readings[0].identifier == Identifier(card.format, card.facility_code, card.number)
    assert read.readings[0].parity_ok in (None, True)


def test_other_technology_is_invisible() -> None:
    with pytest.raises(CardUnreadable, match="EM4100"):
        frame_of(SHOWN["H10301"], DESCRIBED["rdm6300"][0])


def test_card_that_does_not_fit_the_frame_is_invisible() -> None:
    with pytest.raises(CardUnreadable, match="3 bytes"):
        frame_of(Card("H10306", 2, 65535), DESCRIBED["wie232"][0])


async def test_reader_without_a_keypad_has_no_keys(tmp_path: Path) -> None:
    with pytest.raises(CardUnreadable, match="no key"):
        await FrameReader({"formats": ["H10301"]}, PtyLine(tmp_path / "reader")).press("1")

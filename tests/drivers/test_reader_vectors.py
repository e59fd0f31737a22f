"""Golden vectors: what published frames of serial readers mean."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drivers.contracts import Framer
from drivers.rfid import em18, rdm6300
from drivers.rfid.uhf_frames import Code, UhfFrame, UhfFramer, command, crc16
from drivers.rfid.zk_rfid102 import ZkRfid102Settings
from drivers.serial_frame.checksums import CHECKSUMS
from drivers.serial_frame.driver import make_framer as make_described
from drivers.serial_frame.settings import SerialFrameSettings
from drivers.serial_reader import Card
from drivers.wiegand.formats import BUILT_IN
from gateway.domain.credential import Identifier, Reading
from simulators.frame_reader import checksum
from simulators.uhf_reader import check

VECTORS = Path(__file__).parents[1] / "vectors" / "serial_readers.json"
FOUND: dict[str, Any] = json.loads(VECTORS.read_text(encoding="utf-8"))
READS: list[dict[str, Any]] = FOUND["reads"]


def make_framer(read: dict[str, Any]) -> Framer:
    makers: dict[str, Callable[[], Framer]] = {
        "rdm6300": rdm6300.make_framer,
        "em18": em18.make_framer,
        "zk-rfid102": ZkRfid102Settings(port="-", ask=False).framers(),
        "serial-frame": lambda: described(read["settings"]),
    }
    return makers[read["driver"]]()


def described(settings: dict[str, Any]) -> Framer:
    return make_described(SerialFrameSettings.model_validate({"port": "-", **settings}))


@pytest.mark.parametrize("read", READS, ids=[f"{read['driver']}-{read['number']}" for read in READS])
def test_published_frame_is_its_card(read: dict[str, Any]) -> None:
    identifier = Identifier(read["format"], None, read["number"])
    frame = bytes.fromhex(read["bytes"])
    framer = make_framer(read)
    values = framer.feed(frame, 0.0)
    if (due := framer.deadline()) is not None:  # an EM-18's frame is whole once silence follows it
        values += framer.feed(b"", due)
    assert values == [Card((Reading(identifier, None, read.get("version")),))]


@pytest.mark.parametrize("vector", FOUND["checksums"], ids=lambda vector: vector["name"])
def test_published_checksum_is_ours_and_the_simulators(vector: dict[str, Any]) -> None:
    data = bytes.fromhex(vector["bytes"])
    assert CHECKSUMS[vector["name"]].of(data) == vector["value"]
    assert int.from_bytes(checksum(vector["name"], data), "big") == vector["value"]


@pytest.mark.parametrize("vector", FOUND["uhf_crc"])
def test_published_crc_of_the_uhf_family_is_ours_and_the_simulators(vector: dict[str, Any]) -> None:
    data = bytes.fromhex(vector["bytes"])
    assert crc16(data) == vector["crc"]
    assert int.from_bytes(check(data), "little") == vector["crc"]


@pytest.mark.parametrize("vector", FOUND["uhf_commands"])
def test_published_command_of_the_uhf_family_is_ours(vector: dict[str, Any]) -> None:
    assert command(vector["address"], Code(vector["code"])) == bytes.fromhex(vector["bytes"])


@pytest.mark.parametrize("vector", FOUND["uhf_answers"])
def test_published_answer_of_the_uhf_family_is_understood(vector: dict[str, Any]) -> None:
    frame = UhfFrame(vector["address"], Code(vector["code"]), vector["status"], b"")
    assert UhfFramer().feed(bytes.fromhex(vector["bytes"]), 0.0) == [frame]


def test_the_pages_example_reads_the_frame_beside_it() -> None:
    page = (Path(__file__).parents[2] / "docs" / "drivers" / "serial-readers.md").read_text(encoding="utf-8")
    example = page.split("```toml\n")[1].split("```")[0]
    settings = tomllib.loads(example)["device"]["yard-reader"]
    assert settings.pop("driver") == "serial-frame"
    frame = bytes.fromhex(example.split("# ")[1].split(":")[0])
    (card,) = described(settings).feed(frame, 0.0)
    assert card == Card((Reading(Identifier("EM4100", None, 9334109), None, 6),))


def test_one_tag_is_another_identifier_at_a_wiegand_reader() -> None:
    """docs/drivers/serial-readers.md, "One tag, two readers": the RDM6300's published sample."""
    (card,) = rdm6300.make_framer().feed(b"\x0214008EC793CE\x03", 0.0)
    assert isinstance(card, Card)
    number = card.readings[0].identifier.number
    assert isinstance(number, int)
    assert (f"{number:010d}", f"{number >> 16 & 0xFF},{number & 0xFFFF}") == ("0009357203", "142,51091")
    seen = BUILT_IN.read_payload(number & 0xFFFFFF, ("H10301",)) + BUILT_IN.read_payload(number, ("H10306",))
    assert [reading.identifier for reading in seen] == [
        Identifier("H10301", 142, 51091),
        Identifier("H10306", 142, 51091),
    ]

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.links import MemoryLink, memory_pair
from drivers.osdp.discovery import Discovery, discover
from drivers.osdp.identity import ReaderIdentity, read_identity
from gateway.clock import SystemClock
from gateway.errors import LinkError
from tests.drivers.osdp.clear_reader import ClearReader

BAUD = 38400
Spoil = Callable[[bytes], bytes]


class Wires:
    """Readers at one speed behind links in memory; at any other speed they hear nothing."""

    def __init__(self, readers: Sequence[ClearReader], *, baud: int = BAUD) -> None:
        self.readers, self.baud = readers, baud
        self.spoil: Spoil = lambda said: said
        self.hum = b""
        self.tried: list[tuple[int, int]] = []

    def link_at(self, baud: int) -> MemoryLink:
        near, far = memory_pair()
        far_write = far.feed

        def hear(data: bytes) -> None:
            far_write(data)
            if self.hum:
                near.feed(self.hum)
            command = data.lstrip(b"\xff")
            said = [
                reader.answer(command)
                for reader in self.readers
                if baud == self.baud and command[1] in (reader.address, 0x7F)
            ]
            if len(said) > 1:  # Two drivers on one wire.
                shorter = min(map(len, said))
                near.feed(bytes(a & b for a, b in zip(said[0][:shorter], said[1][:shorter], strict=True)))
            elif said:
                near.feed(self.spoil(said[0]))

        far.feed = hear  # type: ignore[method-assign]
        return near

    async def found(self, addresses: Sequence[int] = range(8)) -> Discovery:
        return await discover(
            self.link_at,
            SystemClock(),
            bauds=(9600, BAUD),
            addresses=addresses,
            progress=lambda *at: self.tried.append(at),
        )


@pytest.fixture(autouse=True)
def _short_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.osdp.discovery.ASK_S", 0.03)
    monkeypatch.setattr("drivers.osdp.discovery.LOOK_S", 0.01)


async def test_readers_are_found_with_their_speed_address_and_names() -> None:
    wires = Wires([ClearReader(0), ClearReader(5)])
    found = await wires.found()
    assert (found.baud, [reader.address for reader in found.readers], found.hint) == (BAUD, [0, 5], "")
    reader = found.readers[0]
    assert reader.identity == ReaderIdentity("31-48-47", 1, 1, 42, "1.2.3")
    assert (reader.has_secure_channel, reader.unanswered, reader.damaged, reader.shared) == (False, 0, 0, False)
    assert (BAUD, 7) in wires.tried


async def test_no_card_is_asked_for() -> None:
    reader = ClearReader(5)
    reader.show_bits(0b1, 1)
    await Wires([reader]).found()
    assert len(reader.waiting) == 1


async def test_two_readers_of_one_address_are_told() -> None:
    found = await Wires([ClearReader(3), ClearReader(3)]).found()
    twins = ClearReader(3)
    twins._body = lambda code, data: bytes.fromhex("45 314847 01 02 63000000 010203")  # type: ignore[method-assign]
    spoilt = await Wires([ClearReader(3), twins]).found()
    assert [reader.address for reader in spoilt.readers if reader.shared] == [3]
    assert "More than one reader answers at 3" in spoilt.hint
    assert found.baud == BAUD


async def test_readers_that_take_turns_at_an_address_are_told_by_their_names() -> None:
    reader = ClearReader(3)
    serials = iter(range(1000))
    plain = reader._body

    def body(code: int, data: bytes) -> bytes:
        said = plain(code, data)
        return said[:6] + (next(serials) % 2).to_bytes(4, "little") + said[10:] if code == 0x61 else said

    reader._body = body  # type: ignore[method-assign]
    found = await Wires([reader]).found()
    assert found.readers[0].shared


async def test_the_error_rate_of_a_bad_wire_is_told() -> None:
    wires = Wires([ClearReader(2)])
    count = 0

    def spoil(said: bytes) -> bytes:
        nonlocal count
        count += 1
        return said[:-1] + b"\x00" if count % 6 == 0 else said

    wires.spoil = spoil
    found = await wires.found()
    reader = found.readers[0]
    assert 0 < reader.damaged < reader.asks / 3
    assert not reader.shared
    assert "termination" in found.hint


async def test_silence_at_every_speed_has_its_hint() -> None:
    found = await Wires([]).found()
    assert (found.baud, found.readers) == (None, ())
    assert "Silence" in found.hint
    assert "swapped" in found.hint


async def test_garbage_at_every_speed_has_its_hint() -> None:
    wires = Wires([])
    wires.hum = bytes(range(0x80, 0x90))
    found = await wires.found()
    assert (found.baud, found.readers) == (None, ())
    assert "Something speaks" in found.hint


async def test_a_port_that_is_gone_is_no_silence() -> None:
    link, _ = memory_pair()
    link.unplug()
    with pytest.raises(LinkError):
        await discover(lambda _baud: link, SystemClock(), bauds=(9600,))


@given(st.binary(max_size=20))
def test_any_identity_is_read_or_none(data: bytes) -> None:
    found = read_identity(data)
    assert (found is not None) == (len(data) == 12)

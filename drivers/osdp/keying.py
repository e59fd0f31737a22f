"""Giving a reader the key of its secure channel: on purpose, once, and proven by connecting with it."""

from collections.abc import Callable, Mapping
from typing import Any

import osdp_sys

from drivers.osdp.frames import ACK, MARK, Frame, answers, decode, may_answer
from drivers.osdp.identity import ReaderIdentity
from drivers.osdp.line import OsdpLine
from drivers.osdp.panel import Panel
from drivers.osdp.station import PATIENCE_S
from gateway.clock import Clock, random_bytes
from gateway.errors import AuthenticationFailed, CommandFailed, LinkError

KEY_BYTES = 16
CONNECT_S = 8.0
"""A handshake takes a second at 9600 baud; libosdp repeats what was lost every second."""
STEPS_MAX = 2000
_IDLE_S = 0.01


def make_key() -> bytes:
    """A key from the operating system's entropy."""
    return random_bytes(KEY_BYTES)


async def give_key(line: OsdpLine, address: int, key: bytes, old_key: bytes | None, clock: Clock) -> ReaderIdentity:
    """Give the reader at `address` this key and connect with it.

    By its `old_key`, or else by the default key of a reader in install mode. Raises LinkError: no answer;
    AuthenticationFailed: it has a key that we don't; CommandFailed: it took the key and does not let us in with it.
    """
    if old_key is None:
        first = Panel(address, key, install=True)
        await _connect(line, first, clock, AuthenticationFailed, "it has a key already: put it into install mode first")
    else:
        await _replace(line, address, old_key, key, clock)
    return await prove_key(line, address, key, clock)


async def prove_key(line: OsdpLine, address: int, key: bytes, clock: Clock) -> ReaderIdentity:
    """Connect with a key that the reader should have. Raises LinkError, CommandFailed."""
    proof = Panel(address, key)
    await _connect(line, proof, clock, CommandFailed, "it does not let us in with its new key")
    return proof.identity()


async def _replace(line: OsdpLine, address: int, old_key: bytes, key: bytes, clock: Clock) -> None:
    panel = Panel(address, old_key)
    await _connect(line, panel, clock, AuthenticationFailed, "it does not hold the key that is to be replaced")
    command: Mapping[str, Any] = {"command": osdp_sys.CMD_KEYSET, "type": 1, "data": key}
    if not panel.submit(command):
        raise CommandFailed("the reader can't be given a key now")
    await _drive(line, panel, clock, lambda: bool(panel.outcomes))
    if panel.take_outcomes() != [True]:
        raise CommandFailed("the reader refused the new key")


async def _connect(line: OsdpLine, panel: Panel, clock: Clock, refused: type[Exception], why: str) -> None:
    heard = await _drive(line, panel, clock, lambda: panel.is_online or panel.gave_up or panel.is_in_clear)
    if not heard:
        raise LinkError("the reader does not answer")
    if not panel.is_online:
        raise refused(why)


async def _drive(line: OsdpLine, panel: Panel, clock: Clock, done: Callable[[], bool]) -> bool:
    """Let the panel speak until it is done or time is up; did the reader answer at all?"""
    until_s, heard = clock.now().monotonic_s + CONNECT_S, False
    for _ in range(STEPS_MAX):
        if done() or clock.now().monotonic_s >= until_s:
            break
        frame = panel.outgoing()
        command = decode(frame.lstrip(bytes((MARK,))))
        if not isinstance(command, Frame):
            await line.overhear(_IDLE_S)
            continue
        answer = await line.ask(frame, lambda reply, asked=command: _fits(asked, reply), PATIENCE_S)  # type: ignore[misc]
        if answer.reply is not None:
            heard = True
            panel.incoming(answer.reply.raw)
    return heard


def _fits(command: Frame, reply: Frame) -> bool:
    """As in `may_answer`; a reader may say in clear that it took a key, since it has left the old session with it."""
    return may_answer(command, reply) or (command.in_session and answers(command, reply) and reply.code == ACK)

"""What a site may do, and does less safely or less surely than it could: told by `gatehouse check`, never refused."""

from collections.abc import Iterator
from typing import Any

from config.card_formats import format_table
from config.loader import SiteConfig
from config.pulses import untimed_pulses
from config.references import is_supervised
from config.tours import nameless_points
from gateway.errors import ConfigError

PLAIN_MQTT_PORT = 1883
"""IANA: `mqtt`, without TLS; with it, 8883."""
_UNSOUND_LOCKS = {
    ("fail_safe", "NO"): "whenever the board restarts or dies, this door opens: wire a fail_safe lock to NC",
    ("fail_secure", "NC"): "whenever the board restarts or dies, this door opens: wire a fail_secure lock to NO",
}
"""docs/hardware.md, how a lock is wired: a board without power feeds what hangs on NC, and nothing else."""


def cautions(config: SiteConfig) -> Iterator[ConfigError]:
    """Key, value and what to do of each."""
    yield from _unsafe_on_purpose(config)
    yield from _doors(config)
    yield from _fire(config)
    yield from _plain_brokers(config)
    yield from _idle_readers(config)
    for key, meaning in (*untimed_pulses(config), *nameless_points(config)):
        yield ConfigError(key, None, meaning)
    yield from confusions(config)


def _unsafe_on_purpose(config: SiteConfig) -> Iterator[ConfigError]:
    """What the site's config gives up by a word of its own."""
    alarm = "a standing alarm will say so"
    for name, broker in config.brokers.items():
        if broker.insecure:
            yield ConfigError(f"broker.{name}.insecure", True, f"without TLS; {alarm}")
    for name, device in config.devices.items():
        if getattr(device.settings, "insecure", False):
            yield ConfigError(f"device.{name}.insecure", True, f"not encrypted; {alarm}")
    if config.office is not None and config.office.unsigned:
        yield ConfigError("office.unsigned", True, f"lists are taken without a signature; {alarm}")


def _doors(config: SiteConfig) -> Iterator[ConfigError]:
    for name, door in config.doors.items():
        unsound = _UNSOUND_LOCKS.get((door.lock.kind, door.lock.wiring))
        if unsound is not None:
            yield ConfigError(f"door.{name}.lock.wiring", door.lock.wiring, unsound)
        board = config.devices.get(door.lock.device)
        if board is not None and board.driver.kind == "reader":
            remedy = "is a reader, and whoever opens the reader opens the door: use a relay board inside"
            yield ConfigError(f"door.{name}.lock.device", door.lock.device, remedy)


def _fire(config: SiteConfig) -> Iterator[ConfigError]:
    fire = {name: site_input for name, site_input in config.inputs.items() if site_input.purpose == "fire"}
    for name, site_input in fire.items():
        if not is_supervised(config, site_input):
            remedy = (
                "isn't supervised: nobody is told when its line is cut or shorted; a board that measures would tell"
            )
            yield ConfigError(f"input.{name}", None, remedy)
    released = [name for name, door in config.doors.items() if door.fire_release]
    if released and not fire:
        remedy = (
            f"there is no fire input, so none of {', '.join(released)} is released at a fire: wire the fire panel's "
            'contact to an [input.ID] of purpose "fire", or say fire_release = false where its wiring opens the door'
        )
        yield ConfigError(f"door.{released[0]}.fire_release", None, remedy)


def _plain_brokers(config: SiteConfig) -> Iterator[ConfigError]:
    for name, broker in config.brokers.items():
        if broker.port == PLAIN_MQTT_PORT and not broker.insecure and broker.ca_file is None:
            remedy = "is where brokers listen without TLS, and TLS is spoken to it: use 8883, or say insecure = true"
            yield ConfigError(f"broker.{name}.port", broker.port, remedy)


def _idle_readers(config: SiteConfig) -> Iterator[ConfigError]:
    used = {reader for point in config.access_points.values() for reader in point.readers}
    used |= {point.reader for tour in config.tours.values() for point in tour.points}
    for name, device in config.devices.items():
        if device.driver.kind == "reader" and name not in used and not _is_board(config, name):
            remedy = "belongs to no access point and no tour: its cards open nothing; name it among the readers of one"
            yield ConfigError(f"device.{name}", None, remedy)


def _is_board(config: SiteConfig, name: str) -> bool:
    """Is it there for the relays or inputs in it?"""
    terminals: list[Any] = [*config.inputs.values(), *config.outputs.values()]
    terminals += [each for door in config.doors.values() for each in (door.lock, door.contact, door.rex)]
    terminals += [place for lift in config.lifts.values() for place in lift.floors.values()]
    return any(each is not None and each.device == name for each in terminals)


def confusions(config: SiteConfig) -> Iterator[ConfigError]:
    """Readers whose formats can take one card for another."""
    table = format_table(config)
    for name, device in config.devices.items():
        formats: tuple[str, ...] | None = getattr(device.settings, "formats", None)
        if formats is None:
            continue
        if not formats:
            remedy = "reads every known format of a message's length: name those that its cards have, in order"
            yield ConfigError(f"device.{name}.formats", None, remedy)
        for one, two in table.confusable(formats):
            remedy = f"parity can't tell {one} from {two}: where the list knows both readings of a card, {one} counts"
            yield ConfigError(f"device.{name}.formats", list(formats), remedy)

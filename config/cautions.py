"""What a site may do, and does less safely or less surely than it could: told by `gatehouse check`, never refused."""

from collections.abc import Iterator
from typing import Any

from config.card_formats import format_table
from config.caution import Caution
from config.loader import SiteConfig
from config.pulses import untimed_pulses
from config.references import is_supervised
from config.tours import nameless_points

PLAIN_MQTT_PORT = 1883
"""IANA: `mqtt`, without TLS; with it, 8883."""
_UNSOUND_LOCKS = {("fail_safe", "NO"): "NC", ("fail_secure", "NC"): "NO"}
"""What such a lock belongs on: a board without power feeds what hangs on NC, and nothing else (docs/hardware.md)."""


def cautions(config: SiteConfig) -> Iterator[Caution]:
    """Key, value and what to do of each."""
    yield from _unsafe_on_purpose(config)
    yield from _doors(config)
    yield from _fire(config)
    yield from _plain_brokers(config)
    yield from _idle_readers(config)
    yield from untimed_pulses(config)
    yield from nameless_points(config)
    yield from confusions(config)


def _unsafe_on_purpose(config: SiteConfig) -> Iterator[Caution]:
    """What the site's config gives up by a word of its own."""
    alarm, chinese_alarm = "a standing alarm will say so", "会有常驻报警提示"
    for name, broker in config.brokers.items():
        if broker.insecure:
            yield Caution(f"broker.{name}.insecure", True, f"without TLS; {alarm}", f"没有 TLS；{chinese_alarm}")
    for name, device in config.devices.items():
        if getattr(device.settings, "insecure", False):
            yield Caution(f"device.{name}.insecure", True, f"not encrypted; {alarm}", f"没有加密；{chinese_alarm}")
    if config.office is not None and config.office.insecure:
        english, chinese = "without TLS: who is on the line can say yes at a gate", "没有 TLS：线路上的人可以代答放行"
        yield Caution("office.insecure", True, f"{english}; {alarm}", f"{chinese}；{chinese_alarm}")
    if config.office is not None and config.office.unsigned:
        english, chinese = f"lists are taken without a signature; {alarm}", f"名单不验签名；{chinese_alarm}"
        yield Caution("office.unsigned", True, english, chinese)


def _doors(config: SiteConfig) -> Iterator[Caution]:
    for name, door in config.doors.items():
        sound = _UNSOUND_LOCKS.get((door.lock.kind, door.lock.wiring))
        if sound is not None:
            yield Caution(
                f"door.{name}.lock.wiring",
                door.lock.wiring,
                f"whenever the board restarts or dies, this door opens: wire a {door.lock.kind} lock to {sound}",
                f"控制板一重启或损坏，这扇门就会打开：{door.lock.kind} 锁请接 {sound}",
            )
        board = config.devices.get(door.lock.device)
        if board is not None and board.driver.kind == "reader":
            yield Caution(
                f"door.{name}.lock.device",
                door.lock.device,
                "is a reader, and whoever opens the reader opens the door: use a relay board inside",
                "是读卡器，谁拆开读卡器谁就能开门：请用装在门内的继电器板",
            )


def _fire(config: SiteConfig) -> Iterator[Caution]:
    fire = {name: site_input for name, site_input in config.inputs.items() if site_input.purpose == "fire"}
    for name, site_input in fire.items():
        if not is_supervised(config, site_input):
            yield Caution(
                f"input.{name}",
                None,
                "isn't supervised: nobody is told when its line is cut or shorted; a board that measures would tell",
                "没有线路监测：线路断开或短路无人知道；能测量的控制板可以报出",
            )
    released = [name for name, door in config.doors.items() if door.fire_release]
    if released and not fire:
        yield Caution(
            f"door.{released[0]}.fire_release",
            None,
            f"there is no fire input, so none of {', '.join(released)} is released at a fire: wire the fire panel's "
            'contact to an [input.ID] of purpose "fire", or say fire_release = false where its wiring opens the door',
            f"没有消防输入，火警时 {'、'.join(released)} 都不会释放：请把消防主机触点接到用途为 fire 的 [input.ID]，"
            "或在靠接线开门处写 fire_release = false",
        )


def _plain_brokers(config: SiteConfig) -> Iterator[Caution]:
    for name, broker in config.brokers.items():
        if broker.port == PLAIN_MQTT_PORT and not broker.insecure and broker.ca_file is None:
            yield Caution(
                f"broker.{name}.port",
                broker.port,
                "is where brokers listen without TLS, and TLS is spoken to it: use 8883, or say insecure = true",
                "是代理不带 TLS 的端口，而这里会对它说 TLS：请用 8883，或写 insecure = true",
            )


def _idle_readers(config: SiteConfig) -> Iterator[Caution]:
    used = {reader for point in config.access_points.values() for reader in point.readers}
    used |= {point.reader for tour in config.tours.values() for point in tour.points}
    for name, device in config.devices.items():
        if device.driver.kind == "reader" and name not in used and not _is_board(config, name):
            yield Caution(
                f"device.{name}",
                None,
                "belongs to no access point and no tour: its cards open nothing; name it among the readers of one",
                "不属于任何通行点或巡更：在它上面刷卡什么也不开；请把它写进其中一个的 readers",
            )


def _is_board(config: SiteConfig, name: str) -> bool:
    """Is it there for the relays or inputs in it?"""
    terminals: list[Any] = [*config.inputs.values(), *config.outputs.values()]
    terminals += [each for door in config.doors.values() for each in (door.lock, door.contact, door.rex)]
    terminals += [place for lift in config.lifts.values() for place in lift.floors.values()]
    return any(each is not None and each.device == name for each in terminals)


def confusions(config: SiteConfig) -> Iterator[Caution]:
    """Readers whose formats can take one card for another."""
    table = format_table(config)
    for name, device in config.devices.items():
        formats: tuple[str, ...] | None = getattr(device.settings, "formats", None)
        if formats is None or not getattr(device.settings, "reads_formats", True):
            continue
        if not formats:
            yield Caution(
                f"device.{name}.formats",
                None,
                "reads every known format of a message's length: name those that its cards have, in order",
                "会按该长度的所有已知格式读卡：请按优先顺序写明卡片实际的格式",
            )
        for one, two in table.confusable(formats):
            yield Caution(
                f"device.{name}.formats",
                list(formats),
                f"parity can't tell {one} from {two}: where the list knows both readings of a card, {one} counts",
                f"奇偶校验分不清 {one} 和 {two}：名单同时有一张卡的两种读法时，以 {one} 为准",
            )

"""Site config -> the pure values that the controller is built on."""

from zoneinfo import ZoneInfo

from config.loader import SiteConfig
from config.model import DoorTable, InputRef, InputTable, PeriodTable, ScheduleTable
from gateway.domain.schedule import Period, Schedule
from gateway.domain.site import (
    AccessPoint,
    CameraPlace,
    Door,
    InputPurpose,
    Lock,
    LockKind,
    Site,
    SiteInput,
    Terminal,
    Wiring,
)

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def to_site(config: SiteConfig) -> Site:
    """The controller's view of a checked config."""
    schedules = {key: to_schedule(key, table) for key, table in config.schedules.items()}
    return Site(
        id=config.site.id,
        zone=ZoneInfo(config.site.zone),
        doors={key: _door(key, table) for key, table in config.doors.items()},
        access_points={key: AccessPoint(key, table.door, table.readers) for key, table in config.access_points.items()},
        inputs={
            key: SiteInput(key, InputPurpose(table.purpose), _terminal(table)) for key, table in config.inputs.items()
        },
        cameras={key: CameraPlace(key, schedules[table.armed], table.doors) for key, table in config.cameras.items()},
        insecure_links=tuple(name for name, broker in config.brokers.items() if broker.insecure),
    )


def to_schedule(schedule_id: str, table: ScheduleTable) -> Schedule:
    """A weekly schedule; an end at or before the start runs into the next day."""
    return Schedule(schedule_id, tuple(_period(period) for period in table.periods))


def _period(table: PeriodTable) -> Period:
    start, end = _minute(table.start), _minute(table.end)
    return Period(frozenset(_DAYS.index(day) for day in table.days), start, end if end > start else end + 1440)


def _minute(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def _terminal(table: InputRef | InputTable) -> Terminal:
    return Terminal(table.device, table.input, inverted=table.active_when == "not_energised")


def _door(door_id: str, table: DoorTable) -> Door:
    lock = Lock(Terminal(table.lock.device, table.lock.output), LockKind(table.lock.kind), Wiring(table.lock.wiring))
    return Door(
        id=door_id,
        lock=lock,
        contact=None if table.contact is None else _terminal(table.contact),
        rex=None if table.rex is None else _terminal(table.rex),
        escape_route=table.escape_route,
        release_time_s=table.release_time_s,
        extended_release_time_s=table.extended_release_time_s,
        open_time_s=table.open_time_s,
        extended_open_time_s=table.extended_open_time_s,
        pre_alarm_time_s=table.pre_alarm_time_s,
        relock_on_close=table.relock_on_close,
        fire_release=table.fire_release,
    )

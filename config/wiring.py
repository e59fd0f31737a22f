"""Site config -> the pure values that the controller is built on."""

from zoneinfo import ZoneInfo

from config.loader import SiteConfig
from config.model import (
    AccessPointTable,
    DoorTable,
    InputRef,
    InputTable,
    LiftTable,
    PeriodTable,
    ScheduleTable,
    SiteOutputTable,
    TourPointTable,
    TourTable,
)
from gateway.domain.credential import Grade
from gateway.domain.schedule import Period, Schedule
from gateway.domain.site import (
    AccessPoint,
    CameraPlace,
    DegradedMode,
    Door,
    DoorGroup,
    InputPurpose,
    Interlock,
    InterlockRule,
    Lift,
    Lock,
    LockKind,
    OutputPurpose,
    ReaderRules,
    Site,
    SiteInput,
    SiteOutput,
    Terminal,
    Wiring,
)
from gateway.domain.tour import Tour, TourPoint, TourStart

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def to_site(config: SiteConfig) -> Site:
    """The controller's view of a checked config."""
    schedules = {key: to_schedule(key, table) for key, table in config.schedules.items()}
    return Site(
        id=config.site.id,
        zone=ZoneInfo(config.site.zone),
        doors={key: _door(key, table) for key, table in config.doors.items()},
        access_points={key: _access_point(key, table) for key, table in config.access_points.items()},
        inputs={
            key: SiteInput(key, InputPurpose(table.purpose), _terminal(table), table.delay_s)
            for key, table in config.inputs.items()
        },
        outputs={key: _output(key, table) for key, table in config.outputs.items()},
        cameras={key: CameraPlace(key, schedules[table.armed], table.doors) for key, table in config.cameras.items()},
        lifts={key: _lift(key, table) for key, table in config.lifts.items()},
        interlocks=tuple(
            Interlock(key, InterlockRule(table.rule), table.doors) for key, table in config.interlocks.items()
        ),
        door_groups={key: DoorGroup(key, table.doors) for key, table in config.door_groups.items()},
        tours={key: to_tour(key, table) for key, table in config.tours.items()},
        insecure_links=_insecure_links(config),
        has_office=config.office is not None,
        unsigned_lists=config.office is not None and config.office.unsigned,
        repeat_read_s=config.access.repeat_read_s,
        second_credential_s=config.access.second_credential_s,
        confirm_s=config.access.confirm_s,
        unsynchronised_alarm_s=config.clock.unsynchronised_alarm_h * 3600,
        travel_speed_m_s=config.access.travel_speed_m_s,
    )


def _insecure_links(config: SiteConfig) -> tuple[str, ...]:
    """The office and brokers by name; devices whose settings give encryption up on purpose as `device:ID`."""
    office = ["office"] if config.office is not None and config.office.insecure else []
    brokers = [name for name, broker in config.brokers.items() if broker.insecure]
    devices = [f"device:{key}" for key, device in config.devices.items() if getattr(device.settings, "insecure", False)]
    return (*office, *brokers, *devices)


def to_schedule(schedule_id: str, table: ScheduleTable) -> Schedule:
    """A weekly schedule; an end at or before the start runs into the next day."""
    return Schedule(schedule_id, tuple(_period(period) for period in table.periods))


def to_tour(tour_id: str, table: TourTable) -> Tour:
    """A guard tour; the first point has no time of its own."""
    starts = (
        TourStart(frozenset(_DAYS.index(day) for day in due.days), _minute(at)) for due in table.due for at in due.at
    )
    return Tour(
        id=tour_id,
        points=tuple(_tour_point(point) for point in table.points),
        groups=frozenset(table.groups),
        starts=tuple(starts),
        tolerance_s=table.tolerance_s,
        grace_s=table.grace_s,
        in_order=table.in_order,
        start_by_card=table.start_by_card,
    )


def _tour_point(table: TourPointTable) -> TourPoint:
    return TourPoint(table.reader, table.earliest_s, table.latest_s or 0.0, Grade(table.grade or Grade.CLONABLE))


def _period(table: PeriodTable) -> Period:
    start, end = _minute(table.start), _minute(table.end)
    return Period(frozenset(_DAYS.index(day) for day in table.days), start, end if end > start else end + 1440)


def _minute(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def _terminal(table: InputRef | InputTable) -> Terminal:
    return Terminal(table.device, table.input, inverted=table.active_when == "not_energised")


def _output(output_id: str, table: SiteOutputTable) -> SiteOutput:
    terminal = Terminal(table.device, table.output, inverted=table.active_when == "not_energised")
    return SiteOutput(output_id, OutputPurpose(table.purpose), terminal, table.limit_s)


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
        barrier=table.barrier,
        pulse_time_s=table.pulse_time_s or 1.0,
    )


def _access_point(point_id: str, table: AccessPointTable) -> AccessPoint:
    return AccessPoint(
        id=point_id,
        door=table.door,
        readers=table.readers,
        lift=table.lift,
        exit=table.exit,
        degraded=DegradedMode(table.degraded),
        facility=None if table.facility is None else (table.facility.format, table.facility.code),
        rules={reader: _reader_rules(reader, table) for reader in table.readers},
        position_m=table.position_m,
    )


def _reader_rules(reader: str, table: AccessPointTable) -> ReaderRules:
    accepts = table.accepts.get(reader)
    return ReaderRules(
        grade=Grade(table.grades.get(reader, Grade.CLONABLE.value)),
        accepts=None if accepts is None else frozenset(Grade(grade) for grade in accepts),
    )


def _lift(lift_id: str, table: LiftTable) -> Lift:
    floors = {floor: Terminal(place.device, place.output) for floor, place in table.floors.items()}
    return Lift(lift_id, floors, table.enable_time_s)

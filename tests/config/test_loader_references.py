"""What a site config says of access points, lifts, sluices and door groups must fit together."""

import pytest

from config.loader import parse_config
from tests.config.test_loader import DEMO, faults

LIFT = """
[access_point.tower]
lift = "tower"
readers = ["tower-reader"]

[device.tower-reader]
driver = "s4a"
port = "tty/tower-reader"

[lift.tower]
name = { zh-CN = "1 号梯", en = "Lift 1" }
floors = { "1" = { device = "north-board", output = 2 }, "2F" = { device = "north-board", output = 3 } }
"""
SLUICE = """
[interlock.sluice]
rule = "one_open"
doors = ["north", "yard"]
"""


def line_of(text: str, start: str) -> int:
    """The line, from 1, that is the last to begin so."""
    return max(number for number, line in enumerate(text.splitlines(), 1) if line.startswith(start))


def with_yard(line: str, text: str = DEMO) -> str:
    """The demo with one more line in the yard's access point."""
    return text.replace('readers = ["yard-reader"]\n', f'readers = ["yard-reader"]\n{line}\n', 1)


@pytest.mark.parametrize(
    "text",
    [
        DEMO + LIFT,
        DEMO + SLUICE,
        DEMO + SLUICE.replace("one_open", "one_unlocked").replace('"yard"', '"garage"'),
        with_yard("exit = true"),
        with_yard(
            "exit = true", DEMO.replace('rex = { device = "north-board", input = 3 }\nescape_route = true', "", 1)
        ),
        with_yard('degraded = "facility_code"\nperimeter = false\nfacility = { format = "H10301", code = 123 }'),
        with_yard('facility = { format = "H10301", code = 123 }'),
        with_yard('accepts = { yard-reader = ["secure", "plate"] }\ngrades = { yard-reader = "secure" }'),
        with_yard("position_m = [12, -40.5]"),
    ],
)
def test_a_site_that_fits_together_is_taken(text: str) -> None:
    assert set(parse_config(text.encode()).doors) == {"north", "yard", "garage"}


@pytest.mark.parametrize(
    ("line", "key", "remedy"),
    [
        ('lift = "tower"', "access_point.yard.lift", "remove one of the two"),
        ('degraded = "facility_code"', "access_point.yard.degraded", "needs facility"),
        ('degraded = "open"', "access_point.yard.degraded", "'facility_code'"),
        ('facility = { format = "H10306", code = 1 }', "access_point.yard.facility.format", "its readers read H10301"),
        (
            'facility = { format = "H10301", code = -1 }',
            "access_point.yard.facility.code",
            "must be 0 or more",
        ),
        (
            'accepts = { north-reader = ["pin"] }',
            "access_point.yard.accepts.north-reader",
            "its readers are yard-reader",
        ),
        ("accepts = { yard-reader = [] }", "access_point.yard.accepts.yard-reader", "too few"),
        ('accepts = { yard-reader = ["card"] }', "access_point.yard.accepts.yard-reader.0", "'clonable'"),
        ('grades = { yard-raeder = "secure" }', "access_point.yard.grades.yard-raeder", "its readers are yard-reader"),
        ('grades = { yard-reader = "pin" }', "access_point.yard.grades.yard-reader", "'secure'"),
        ("position_m = [1.0]", "access_point.yard.position_m.1", "missing"),
        ("position_m = [1.0, inf]", "access_point.yard.position_m.1", "must be 100000 or less"),
        ("perimetre = true", "access_point.yard.perimetre", "did you mean 'perimeter'?"),
    ],
)
def test_a_mistake_at_an_access_point_is_named_with_its_line_and_what_to_do(line: str, key: str, remedy: str) -> None:
    text = with_yard(line)
    found = faults(text)
    assert remedy in found[key][0]
    assert found[key][1] == line_of(text, line.splitlines()[0])


def test_any_card_of_the_facility_code_never_passes_the_perimeter() -> None:
    found = faults(with_yard('degraded = "facility_code"\nfacility = { format = "H10301", code = 123 }'))
    assert list(found) == ["access_point.yard.degraded"]
    assert "perimeter = false" in found["access_point.yard.degraded"][0]


def test_an_access_point_leads_somewhere_and_a_lift_is_no_way_out() -> None:
    assert "or the lift" in faults(DEMO.replace('door = "garage"\n', "", 1))["access_point.garage.door"][0]
    found = faults(DEMO + LIFT.replace('readers = ["tower', 'exit = true\nreaders = ["tower', 1))
    assert list(found) == ["access_point.tower.exit"]


@pytest.mark.parametrize(
    ("good", "bad", "key", "remedy"),
    [
        ('lift = "tower"', 'lift = "towre"', "access_point.tower.lift", "no such lift; known: tower"),
        ("output = 3", "output = 9", "lift.tower.floors.2F.output", "outputs 0 to 7"),
        ("output = 2", "output = 0", "lift.tower.floors.1.output", "the lock of door 'north' has this output already"),
        ("output = 3", "output = 2", "lift.tower.floors.2F.output", "floor '1' of lift 'tower' has this output"),
        ('device = "north-board"', 'device = "tower-reader"', "lift.tower.floors.1.device", "is a reader"),
        ('device = "north-board"', 'device = "board"', "lift.tower.floors.1.device", "no such device"),
        ('"2F"', '"2 F"', "lift.tower.floors.2 F", "without spaces"),
    ],
)
def test_a_mistake_at_a_lift_is_named_with_its_line_and_what_to_do(good: str, bad: str, key: str, remedy: str) -> None:
    assert good in LIFT
    text = DEMO + LIFT.replace(good, bad, 1)
    found = faults(text)
    assert remedy in found[key][0]
    assert found[key][1] == line_of(text, bad if key.startswith("access") else 'floors = { "1')


def test_a_lift_that_no_access_point_names_is_a_fault() -> None:
    lonely = LIFT[LIFT.index("[lift.tower]") :]
    assert "no access_point names this lift" in faults(DEMO + lonely)["lift.tower"][0]


@pytest.mark.parametrize(
    ("good", "bad", "key", "remedy"),
    [
        ('"yard"]', '"yrad"]', "interlock.sluice.doors", "no such door"),
        ('"yard"]', '"north"]', "interlock.sluice.doors", "named twice"),
        (', "yard"]', "]", "interlock.sluice.doors", "too few"),
        ('"yard"]', '"garage"]', "interlock.sluice.doors", 'rule = "one_unlocked"'),
        ("one_open", "one_closed", "interlock.sluice.rule", "'one_open' or 'one_unlocked'"),
    ],
)
def test_a_mistake_at_a_sluice_is_named_with_its_line_and_what_to_do(
    good: str, bad: str, key: str, remedy: str
) -> None:
    assert good in SLUICE
    text = DEMO + SLUICE.replace(good, bad, 1)
    found = faults(text)
    assert remedy in found[key][0]
    assert found[key][1] == line_of(text, SLUICE.replace(good, bad, 1).splitlines()[2 if "rule" in key else 3])


@pytest.mark.parametrize(
    ("good", "bad", "key", "remedy"),
    [
        ('doors = ["north", "garage"]', 'doors = ["north", "cellar"]', "door_group.gates.doors", "no such door"),
        ('doors = ["north", "garage"]', "doors = []", "door_group.gates.doors", "too few"),
        ('sees = ["north"]', 'sees = ["nroth"]', "console.sees", "no such door"),
        ("confirm_s = 30.0", "confirm_s = 3000.0", "access.confirm_s", "must be 300 or less"),
        ("travel_speed_m_s = 8.0", "travel_speed = 8.0", "access.travel_speed", "travel_speed_m_s"),
    ],
)
def test_a_mistake_at_a_group_a_post_or_the_times_is_named(good: str, bad: str, key: str, remedy: str) -> None:
    assert good in DEMO
    text = DEMO.replace(good, bad, 1)
    found = faults(text)
    assert remedy in found[key][0]
    assert found[key][1] == line_of(text, bad)


def test_no_post_of_guards_bears_the_offices_name() -> None:
    found = faults(DEMO.replace('post = "gate-house"', 'post = "office"', 1))
    assert "choose another name" in found["console.post"][0]


BUS = """
[device.one]
driver = "modbus-rtu"
port = "tty/bus"
unit = 1

[device.two]
driver = "modbus-rtu"
port = "tty/bus"
unit = 2
"""


def test_units_of_one_family_share_a_line() -> None:
    assert {"one", "two"} <= set(parse_config((DEMO + BUS).encode()).devices)


@pytest.mark.parametrize(
    ("text", "key", "remedy"),
    [
        (BUS.replace("unit = 2", "unit = 1"), "device.two.unit", "has this address on the line already"),
        (BUS.replace("unit = 2", "unit = 2\nbaud = 19200"), "device.two.baud", "on this line at 9600"),
        (
            BUS.replace('driver = "modbus-rtu"\nport = "tty/bus"\nunit = 2', 'driver = "lcus"\nport = "tty/bus"'),
            "device.two.port",
            "'one' has this port already",
        ),
    ],
)
def test_line_that_two_devices_cannot_share_is_refused(text: str, key: str, remedy: str) -> None:
    found = faults(DEMO + text)
    assert list(found) == [key]
    assert remedy in found[key][0]


@pytest.mark.parametrize(("area", "remedy"), [('"east side"', "without spaces"), ('"' + "x" * 65 + '"', "up to 64")])
def test_an_area_is_named_by_an_id_that_a_list_can_have(area: str, remedy: str) -> None:
    text = DEMO + f'\n[area.{area}]\nname = {{ zh-CN = "东", en = "East" }}\n'
    assert remedy in faults(text)[f"area.{area.strip(chr(34))}"][0]


LOOP = '{ "0" = { short = [0, 99], active = [300, 399], normal = [600, 699], open_circuit = [900, 1023] } }'
SUPERVISED = f"""
[device.measuring]
driver = "numato"
port = "tty/measuring"
inputs = 2
supervised = {LOOP}

[input.cellar]
name = {{ zh-CN = "地下室", en = "Cellar" }}
purpose = "fire"
device = "measuring"
input = 0
"""


def test_supervised_input_is_taken_and_is_never_turned_round() -> None:
    assert "cellar" in parse_config((DEMO + SUPERVISED).encode()).inputs
    found = faults(DEMO + SUPERVISED + 'active_when = "not_energised"\n')
    assert list(found) == ["input.cellar.active_when"]
    assert "swap its two ranges" in found["input.cellar.active_when"][0]


@pytest.mark.parametrize(
    ("good", "bad", "remedy"),
    [
        ('"0" =', '"2" =', "inputs are counted from 0 to 1"),
        ("[300, 399]", "[300, 650]", "overlap"),
        ("[900, 1023]", "[900, 1024]", "open_circuit of input 0 lies beyond what this board measures, 0 to 1023"),
        ("short = [0, 99], ", "", "short"),
    ],
)
def test_loops_that_fit_no_input_or_overlap_are_refused(good: str, bad: str, remedy: str) -> None:
    found = faults(DEMO + SUPERVISED.replace(good, bad, 1))
    assert any(remedy in key + told for key, (told, _) in found.items()), found


@pytest.mark.parametrize("purpose", ["fire", "panic", "tamper"])
def test_fire_panic_and_tamper_never_wait(purpose: str) -> None:
    found = faults(DEMO + SUPERVISED.replace('"fire"', f'"{purpose}"') + "delay_s = 5.0\n")
    assert list(found) == ["input.cellar.delay_s"]


@pytest.mark.parametrize(("purpose", "refused"), [("fire", True), ("panic", False)])
def test_mqtt_is_never_the_source_of_a_fire_signal(purpose: str, refused: bool) -> None:
    board = '[device.hall]\ndriver = "shelly"\nbroker = "local"\ntopic = "hall"\ninputs = 1\n'
    smoke = (
        f'[input.hall]\nname = {{ zh-CN = "大堂", en = "Hall" }}\npurpose = "{purpose}"\ndevice = "hall"\ninput = 0\n'
    )
    found = faults(DEMO + board + smoke) if refused else {}
    assert ("input.hall.device" in found) is refused
    if refused:
        assert "wire it to a board on a serial line" in found["input.hall.device"][0]
    else:
        assert parse_config((DEMO + board + smoke).encode()).inputs["hall"].purpose == purpose


def test_siren_has_an_output_of_its_own() -> None:
    siren = """
[output.bell]
name = { zh-CN = "警号", en = "Siren" }
purpose = "siren"
device = "north-board"
output = 3
"""
    assert parse_config((DEMO + siren).encode()).outputs["bell"].limit_s == 180.0
    assert list(faults(DEMO + siren.replace("output = 3", "output = 0"))) == ["output.bell.output"]
    assert list(faults(DEMO + siren.replace('"north-board"', '"north-reader"'))) == ["output.bell.device"]


@pytest.mark.parametrize(
    ("good", "bad", "key", "owner"),
    [
        ("input = 1 }", "input = 0 }", "door.north.rex.input", "the contact of door 'north'"),
        ("input = 2 }", "input = 1 }", "door.yard.contact.input", "the rex of door 'north'"),
        ("input = 4\n", "input = 0\n", "input.fire.input", "the contact of door 'north'"),
    ],
)
def test_an_input_says_one_thing(good: str, bad: str, key: str, owner: str) -> None:
    assert good in DEMO
    found = faults(DEMO.replace(good, bad, 1))
    told = f"{owner} has this input of 'north-board' already: wire each to an input of its own"
    assert {key: told} == {name: remedy for name, (remedy, _) in found.items()}

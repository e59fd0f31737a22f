"""A site config is taken whole, or refused with every fault named by key, value, remedy and line."""

from importlib.resources import files
from pathlib import Path

import pytest

from config.loader import ConfigFaults, load_config, parse_config

DEMO = (files("config") / "demo.toml").read_text(encoding="utf-8")


def faults(text: str) -> dict[str, tuple[str, int | None]]:
    """Key -> (remedy, line) of every fault."""
    with pytest.raises(ConfigFaults) as caught:
        parse_config(text.encode())
    return {fault.key: (fault.remedy, fault.line) for fault in caught.value.faults}


def line_of(text: str, part: str) -> int:
    """The line, from 1, where a part stands first."""
    return text[: text.index(part)].count("\n") + 1


def test_the_demo_site_is_good() -> None:
    config = parse_config(DEMO.encode())
    assert set(config.doors) == {"north", "yard", "garage"}


@pytest.mark.parametrize(
    ("good", "bad", "key", "remedy"),
    [
        ("release_time_s = 5.0", "release_times_s = 5.0", "door.north.release_times_s", "release_time_s"),
        ('driver = "rdm6300"', 'driver = "rdm630"', "device.north-reader.driver", "rdm6300"),
        ('zone = "Asia/Shanghai"', 'zone = "Asia/Shanghia"', "site.zone", "IANA"),
        ('door = "north"', 'door = "nroth"', "access_point.north.door", "no such door"),
        ("output = 1,", "output = 9,", "door.yard.lock.output", "outputs 0 to 7"),
        ("input = 4\n", "input = 12\n", "input.fire.input", "inputs 0 to 7"),
        ('start = "00:00"', 'start = "0:00"', "schedule.always.periods.0.start", "HH:MM"),
        ('url = "http://127.0.0.1:18090"', 'url = "http://office.example"', "office.url", "https://"),
        ('token = "file', 'ca_file = "ca.pem"\ntoken = "file', "office.ca_file", "use https:// in office.url"),
        ('token = "file', 'root_key = "4c3162b92793191e"\ntoken = "file', "office.root_key", "all 64 hex digits"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_what_to_do(good: str, bad: str, key: str, remedy: str) -> None:
    assert good in DEMO
    text = DEMO.replace(good, bad, 1)
    found = faults(text)
    assert remedy in found[key][0]
    assert found[key][1] == line_of(text, bad)


@pytest.mark.parametrize(
    ("good", "bad", "key", "remedy"),
    [
        ('door = "garage"', 'door = "garrage"', "access_point.garage.door", "did you mean 'garage'?"),
        ('armed = "always"', 'armed = "alwys"', "camera.yard.armed", "did you mean 'always'?"),
        ('device = "north-board", output', 'device = "nort-board", output', "door.north.lock.device", "'north-board'?"),
        ("output = 0,", "outputs = 0,", "door.north.lock.outputs", "did you mean 'output'?"),
        ('wiring = "NC"', 'wiring = "CN"', "door.north.lock.wiring", "choose 'NO' or 'NC'"),
        ("release_time_s = 5.0", "release_time_s = 0", "door.north.release_time_s", "must be more than 0"),
        ("release_time_s = 5.0", "release_time_s = 4000.0", "door.north.release_time_s", "must be 3600 or less"),
        ("port = 8400", "port = 8400.5", "console.port", "write a whole number"),
        (
            'readers = ["yard-reader"]',
            "readers = []",
            "access_point.yard.readers",
            "too few: 1 or more are needed here",
        ),
        ('readers = ["yard-reader"]', "readers = 7", "access_point.yard.readers", "write a list"),
        ("contact = { device", "contact = 3 # { device", "door.north.contact", "write a table of keys and values"),
        (
            'name = { zh-CN = "车库门", en = "Garage door" }',
            'name = "Garage"',
            "door.garage.name",
            ': { zh-CN = "…", en = "…" }',
        ),
        ("[0.05, 0.30], [0.95", "[0.05, 3.30], [0.95", "camera.yard.zones.0.polygon", "corners are parts"),
        ('driver = "s4a"', "", "device.yard-reader.driver", "is needed and missing; known here: "),
    ],
)
def test_remedies_are_in_our_own_words(good: str, bad: str, key: str, remedy: str) -> None:
    assert good in DEMO
    found = faults(DEMO.replace(good, bad, 1))
    assert remedy in found[key][0]
    assert not any(word in told for told, _ in found.values() for word in ("Input should", "Value error", "valid "))


def test_a_misspelt_table_is_named_and_its_contents_are_not_shown() -> None:
    with pytest.raises(ConfigFaults) as caught:
        parse_config(DEMO.replace("[door.north", "[dor.north").replace("[console]", "[consle]").encode())
    told = [str(fault) for fault in caught.value.faults]
    dor = f"dor.north (line {line_of(DEMO, '[door.north]')}): is a table of no known kind: did you mean 'door'? known"
    consle = f"consle (line {line_of(DEMO, '[console]')}): is a table of no known kind: did you mean 'console'? known"
    assert [sum(each.startswith(start) for each in told) for start in (dor, consle)] == [1, 1]


def test_values_are_shown_as_the_file_has_them() -> None:
    text = DEMO.replace('groups = ["guards"]', 'groups = []\nin_order = ["是", 1]', 1)
    with pytest.raises(ConfigFaults) as caught:
        parse_config(text.replace('zone = "Asia/Shanghai"', "zone = true", 1).encode())
    told = " | ".join(map(str, caught.value.faults))
    for shown in ("tour.night.groups = []", 'tour.night.in_order = ["是", 1]', "site.zone = true"):
        assert f"{shown} (line " in told


def test_a_reference_to_nothing_near_gets_no_hint() -> None:
    remedy, _ = faults(DEMO.replace('door = "garage"', 'door = "roof"', 1))["access_point.garage.door"]
    assert remedy == "there is no such door; known: garage, north, yard"


def test_broken_toml_names_its_file_and_line_and_shows_no_message_as_a_value(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(DEMO.replace("[door.yard]", "[door.yard"), encoding="utf-8")
    with pytest.raises(ConfigFaults) as caught:
        load_config(path)
    told = f"{path} (line {line_of(DEMO, '[door.yard]')}): is no TOML from here: Expected ']' at the end of"
    assert str(caught.value).startswith(told)


def test_typos_do_not_hide_dangling_references() -> None:
    text = DEMO.replace("unit = 1", "unitt = 1", 1).replace('door = "north"', 'door = "nroth"', 1)
    assert {"device.north-board.unitt", "access_point.north.door"} <= set(faults(text))


def test_a_key_at_fault_hides_nothing_else_that_its_table_names() -> None:
    text = DEMO.replace('sees = ["north"]', 'foo = 1\nsees = ["roof"]', 1)
    text = text.replace("release_time_s = 5.0", "relese_time_s = 5.0", 1).replace("output = 1,", "output = 0,", 1)
    text = text.replace("[site]", "[site]\ncolour = 1", 1)
    found = faults(text)
    assert {key: remedy.partition(";")[0].partition(":")[0] for key, (remedy, _) in found.items()} == {
        "site.colour": "is unknown",
        "console.foo": "is unknown",
        "console.sees": "there is no such door",
        "door.north.relese_time_s": "is unknown",
        "door.yard.lock": "door 'north' has this output already",
    }


def test_what_may_be_misspelt_is_not_called_missing() -> None:
    text = (
        DEMO.replace('door = "garage"', 'dor = "garage"', 1)
        .replace("rex = {", "rx = {")
        .replace("contact = {", "contct = {")
    )
    assert all(remedy.startswith("is unknown; did you mean") for remedy, _ in faults(text).values())


def test_broken_syntax_and_bytes_name_their_line() -> None:
    assert faults(DEMO + "\n[site")["file"][1] == DEMO.count("\n") + 2
    with pytest.raises(ConfigFaults) as caught:
        parse_config(b"schema = 1\n\xff")
    assert caught.value.line == 2


def test_a_table_that_nobody_knows_has_its_line() -> None:
    text = DEMO + '\n[reader.x]\ndriver = "s4a"\n'
    remedy, line = faults(text)["reader.x"]
    assert remedy == "is a table of no known kind: write it as [device.ID]"
    assert line == line_of(text, "[reader.x]")


def test_a_byte_order_mark_before_the_text_is_no_fault() -> None:
    assert set(parse_config(b"\xef\xbb\xbf" + DEMO.encode()).doors) == {"north", "yard", "garage"}

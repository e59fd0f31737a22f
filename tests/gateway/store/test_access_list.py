"""LIST.json: every fault by its path; compiled, damaged, looked up."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.credential import Identifier
from gateway.errors import ListInvalid
from gateway.store.access_list import CompiledFile, MemoryAccessList, compile_list, lookup_key, open_list, parse_list
from gateway.store.list_folder import ListFolder, current_list, previous_list, set_current
from gateway.store.site_key import load_site_key
from tests.gateway.store.sample_lists import WEEK, sample_list

KEY = b"\x07" * 32
Change = Callable[[dict[str, Any]], object]

FAULTS: list[tuple[str, Change]] = [
    ("$.levels[0].grants[0].schedule: no schedule", lambda d: d["levels"][0]["grants"][0].update(schedule="x")),
    ("$.levels[0].grants[0].access_point: no", lambda d: d["levels"][0]["grants"][0].update(access_point="x")),
    ("$.access_points[1].unlock_schedule: no", lambda d: d["access_points"][1].update(unlock_schedule="x")),
    ("$.cardholders[0].levels[0].level: no", lambda d: d["cardholders"][0]["levels"][0].update(level="x")),
    ("$.credentials[0].cardholder: no", lambda d: d["credentials"][0].update(cardholder="x")),
    ("$.credentials[1].id: 'c-0' is there twice", lambda d: d["credentials"][1].update(id="c-0")),
    ("$.credentials[2]: is the same card as $.credentials[1]", lambda d: d["credentials"][2].update(number=1)),
    ("$.credentials[0]: has both", lambda d: d["credentials"][0].update(key="0" * 32)),
    ("$.credentials[0]: needs format", lambda d: d["credentials"][0].pop("number")),
    ("$.zone:", lambda d: d.update(zone="Mars/Olympus")),
    ("$.issued_at:", lambda d: d.update(issued_at="2026-11-23T08:00:00")),
    ("$.version: must be 1 to", lambda d: d.update(version=0)),
    ("$.version: must be integer", lambda d: d.update(version=True)),
    ("$.colour: unknown key", lambda d: d.update(colour="red")),
    ("$.site: is missing", lambda d: d.pop("site")),
    ("$.schedules[1].periods[0].start: must match", lambda d: d["schedules"][1]["periods"][0].update(start="24:00")),
    ("$.schedules[1].periods[0]: is empty", lambda d: d["schedules"][1]["periods"][0].update(start="06:00")),
    (
        "$.schedules[0].periods[1]: overlaps",
        lambda d: d["schedules"][0]["periods"].append({"days": ["mon"], "start": "08:00", "end": "09:00"}),
    ),
    (
        "overlaps $.schedules[1].periods[1]",
        lambda d: d["schedules"][1].update(
            periods=[
                {"days": ["mon"], "start": "05:00", "end": "06:00"},
                {"days": ["sun"], "start": "22:00", "end": "05:30"},
            ]
        ),
    ),
    (
        "$.credentials[0].valid_until: ends before",
        lambda d: d["credentials"][0].update(valid_from="2026-02-01T00:00:00Z", valid_until="2026-01-01T00:00:00Z"),
    ),
    ("$.credentials[0].number: must be 0 to", lambda d: d["credentials"][0].update(number=-1)),
    ("$.credentials[0].state: must be one of", lambda d: d["credentials"][0].update(state="stolen")),
]


@pytest.mark.parametrize(("fault", "change"), FAULTS, ids=[fault for fault, _ in FAULTS])
def test_fault_is_told_by_its_path(fault: str, change: Change) -> None:
    document = sample_list()
    parse_list(json.dumps(document).encode())
    change(document)
    with pytest.raises(ListInvalid) as caught:
        parse_list(document)
    assert any(fault in line for line in caught.value.faults), caught.value.faults


def test_all_faults_come_at_once_and_at_most_a_thousand() -> None:
    document = sample_list(1200)
    for card in document["credentials"]:
        card["cardholder"] = "nobody"
    document["zone"] = "x"
    with pytest.raises(ListInvalid) as caught:
        parse_list(document)
    assert len(caught.value.faults) == 1000


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)
    )
)
def test_no_json_breaks_the_parser(value: Any) -> None:
    for document in (value, {**sample_list(), "credentials": value}, {**sample_list(), "zone": value}):
        assert _is_refused_or_sound(json.dumps(document).encode())


def _is_refused_or_sound(source: bytes) -> bool:
    try:
        return parse_list(source).site == "demo"
    except ListInvalid as error:
        return bool(error.faults)


def test_periods_that_touch_are_sound() -> None:
    document = sample_list()
    document["schedules"][1]["periods"] = [
        {"days": WEEK, "start": "08:00", "end": "12:00"},
        {"days": WEEK, "start": "12:00", "end": "08:00"},
    ]
    assert parse_list(document).schedules["night"].periods[1].end_minute == 1440 + 480


def _compiled(folder: Path, cards: int = 300) -> CompiledFile:
    return compile_list(parse_list(sample_list(cards)), KEY, folder)


def test_compiled_list_answers_as_the_parsed_one(tmp_path: Path) -> None:
    document = parse_list(sample_list(300))
    compiled = compile_list(document, KEY, tmp_path)
    opened, memory = open_list(compiled.path, KEY), MemoryAccessList.from_document(document)
    assert (opened.version, opened.zone, opened.issued_at) == (memory.version, memory.zone, memory.issued_at)
    assert (opened.digest, opened.credentials) == (compiled.digest, 300)
    for number in range(-1, 302):
        card = Identifier("H10301", 100, number)
        assert opened.credential(opened.key(card)) == memory.credential(memory.key(card))
        assert opened.cardholder(f"p-{number}") == memory.cardholder(f"p-{number}")
    for id_ in ("north", "yard", "night", "always", "residents", "x"):
        assert opened.access_point(id_) == memory.access_point(id_)
        assert opened.schedule(id_) == memory.schedule(id_)
        assert opened.level(id_) == memory.level(id_)


def test_keyed_credential_is_found_and_a_plain_twin_refused(tmp_path: Path) -> None:
    raw, card = sample_list(1), Identifier("EM4100", None, 15517587)
    raw["credentials"].append({"id": "k", "cardholder": "p-0", "key": lookup_key(KEY, card).hex()})
    opened = open_list(compile_list(parse_list(raw), KEY, tmp_path).path, KEY)
    found = opened.credential(opened.key(card))
    assert found is not None
    assert found.id == "k"
    raw["credentials"].append({"id": "twin", "cardholder": "p-0", "format": "EM4100", "number": 15517587})
    with pytest.raises(ListInvalid, match="same card"):
        compile_list(parse_list(raw), KEY, tmp_path)


def test_digits_of_cards_never_stand_in_the_file(tmp_path: Path) -> None:
    raw = sample_list(1)
    raw["credentials"][0].update(number=1234567890123, label="")
    content = compile_list(parse_list(raw), KEY, tmp_path).path.read_bytes()
    number = 1234567890123
    assert str(number).encode() not in content
    assert number.to_bytes(8, "big") not in content
    assert number.to_bytes(8, "little") not in content
    assert b"H10301" not in content


@given(st.data())
def test_truncated_or_flipped_file_is_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("lists")
    path = _compiled(folder, 3).path
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        bit = data.draw(st.integers(0, len(content) * 8 - 1))
        content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)
    with pytest.raises(ListInvalid):
        open_list(path, KEY)


def test_list_of_another_site_key_or_a_missing_one_is_refused(tmp_path: Path) -> None:
    path = _compiled(tmp_path).path
    with pytest.raises(ListInvalid, match="another site key"):
        open_list(path, b"\x08" * 32)
    with pytest.raises(ListInvalid, match="can't be opened"):
        open_list(tmp_path / "none", KEY)


def test_current_list_moves_in_one_step_and_the_previous_is_kept(tmp_path: Path) -> None:
    assert current_list(tmp_path) is None
    made = []
    for version in range(1, 7):
        made.append(compile_list(parse_list(sample_list(1, version)), KEY, tmp_path))
        set_current(tmp_path, made[-1])
    assert current_list(tmp_path) == made[-1].path
    assert previous_list(tmp_path) == made[-2].path
    assert made[-2].path.exists()
    assert len(list(tmp_path.glob("*.ghl"))) <= 4


def test_folder_refuses_older_lists_and_other_sites(tmp_path: Path) -> None:
    folder = ListFolder(tmp_path, KEY)
    raw = json.dumps(sample_list()).encode()
    with pytest.raises(ListInvalid, match="not newer"):
        folder.prepare(raw, "demo", 7)
    with pytest.raises(ListInvalid, match="site"):
        folder.prepare(raw, "other", 0)
    assert folder.version_in_force() == 0
    set_current(tmp_path, _prepared(folder, raw))
    assert folder.version_in_force() == 7


def _prepared(folder: ListFolder, raw: bytes) -> CompiledFile:
    return folder.prepare(raw, "demo", 6)


def test_site_key_is_made_once_and_private(tmp_path: Path) -> None:
    key = load_site_key(tmp_path / "secrets")
    assert len(key) == 32
    assert load_site_key(tmp_path / "secrets") == key
    assert (tmp_path / "secrets" / "site-key").stat().st_mode & 0o777 == 0o600

"""A list that the gateway would not take is told at the office, to whoever put it there."""

from pathlib import Path

from gateway.domain.events import Event, ListActivated, ListHeld, ListRejected
from gateway.domain.ports import Feed
from tests.sync.site import Gateway, Office, a_list

FAULTS = tuple(f"$.levels[{n}]: no access point 'x'" for n in range(49))


async def _record(gate: Gateway, event: Event) -> None:
    assert await gate.journal.append([event], gate.clock.now()).wait(10)
    head = gate.reader.head()
    assert head is not None
    gate.doors.put(Feed(connected=True, row_id=head.row_id))


async def test_the_summary_names_the_refused_list_its_faults_and_how_many_until_a_newer_one_is_in_force(
    tmp_path: Path,
) -> None:
    async with Office(tmp_path / "office") as office, Gateway(tmp_path / "gate", office.url) as gate:
        assert (await office.summary())["list_refused"] is None
        await _record(gate, ListRejected(list_version=2, faults=(*FAULTS, "and 3 more")))
        await _record(gate, ListActivated(list_version=1, digest="d", credentials=1))
        await office.has(2)
        refused = (await office.summary())["list_refused"]
        assert (refused["version"], refused["count"], refused["faults"]) == (2, 52, list(FAULTS[:20]))
        await _record(gate, ListHeld(list_version=3, removed=9, granted=0, all_doors=0, unlocked=0))
        await office.has(3)
        assert (await office.summary())["list_refused"] is None, "a newer one came, and waits"
        await _record(gate, ListActivated(list_version=3, digest="d", credentials=1))
        await office.has(4)
        told = await office.summary()
        assert told["list_refused"] is None
        assert told["list_version_at_gateway"] == 3, "also without another hello"


async def test_the_summary_says_that_a_list_waits_at_the_site_and_why_until_one_as_new_is_in_force(
    tmp_path: Path,
) -> None:
    async with Office(tmp_path / "office") as office, Gateway(tmp_path / "gate", office.url) as gate:
        await _record(gate, ListHeld(list_version=2, removed=30, granted=0, all_doors=1, unlocked=0))
        await office.has(1)
        held = (await office.summary())["list_held"]
        hint = (await office.admin("PUT", "list", a_list()))["hint"]
        assert hint.startswith("list 2 waits at the site for a second yes (30 lose passage, ")
        assert "This one takes its place: it is measured against the list in force by itself" in hint
        assert {name: held[name] for name in held if name != "held_at"} == {
            "version": 2,
            "removed": 30,
            "granted": 0,
            "all_doors": 1,
            "unlocked": 0,
        }
        await _record(gate, ListActivated(list_version=2, digest="d", credentials=1))
        await office.has(2)
        assert (await office.summary())["list_held"] is None
        assert "hint" not in await office.admin("POST", "cardholders", {"id": "p-9"})

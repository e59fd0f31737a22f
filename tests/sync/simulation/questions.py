"""What is asked when everything is over: has the office what the gateways have, in their order?"""

from collections.abc import Sequence

from gateway.domain.ports import RecordedEvent
from tests.sync.simulation.box import Box
from tests.sync.simulation.office import Office


def order(box: Box, events: Sequence[RecordedEvent], office: Office, told_gone: set[str]) -> list[str]:
    """The office has the box's events in the box's order, epoch by epoch."""
    held = [event for event in events if event.event_id not in told_gone]
    own = [(event.epoch, event.seq, event.event_id, event.hash) for event in held]
    epochs = list(dict.fromkeys(epoch for epoch, *_ in own))
    ends = {epoch: max(seq for of, seq, *_ in own if of == epoch) for epoch in epochs}
    there = {(epoch, seq) for epoch, seq, *_ in own}
    theirs = [
        (epoch, *row)
        for epoch in epochs
        for row in office.rows(
            "SELECT seq, event_id, hash FROM place WHERE epoch = ? AND seq <= ? ORDER BY seq", epoch, ends[epoch]
        )
        if (epoch, row[0]) in there
    ]
    return [] if own == theirs else [f"{box.name}: the office has its events otherwise than it has them itself"]


def contiguity(office: Office) -> list[str]:
    """Each epoch at the office is 1, 2, 3 … up to its cursor, and everything it has is sound."""
    rows = office.rows(
        "SELECT c.epoch, c.through, max(p.seq) FROM cursor c LEFT JOIN place p ON p.epoch = c.epoch GROUP BY c.epoch"
    )
    wrong = [
        f"epoch {epoch[:6]}: the cursor says {through}, the last event is {last}"
        for epoch, through, last in rows
        if last != through
    ]
    wrong += ["events are missing, and nobody has said so"] if office.gaps() else []
    unsound = office.rows("SELECT count(*) FROM event WHERE sound = 0")[0][0]
    return [*wrong, f"{unsound} events are unsound"] if unsound else wrong


LATE_S = 5.0
"""An answer is good for so many seconds from when it comes: the line's and the doors' come on top."""


def yeses(box: Box, events: Sequence[RecordedEvent], office: Office) -> list[str]:
    """Each answer of the office counts at most once, in time, as it was given and for whom it was given."""
    wrong, heard = [], set()
    asked = {event.event_id: _who(event) for event in events if event.type == "AccessRequested"}
    for event in events:
        if event.type != "AccessConfirmed":
            continue
        answer_id = event.body["request_id"]
        given = office.given.get(answer_id)
        if given is None or answer_id in heard:
            wrong.append(f"{box.name}: {answer_id} was not given, or counts twice")
            continue
        heard.add(answer_id)
        if (asked.get(given.event_id), given.allow) != (_who(event), event.body["allowed"]):
            wrong.append(f"{box.name}: {answer_id} was given to somebody else, or was another")
        if event.monotonic_us > (given.ends_s + LATE_S) * 1_000_000:
            wrong.append(f"{box.name}: {answer_id} counts though its time was over")
    return wrong


def _who(event: RecordedEvent) -> tuple[object, ...]:
    return tuple(event.body[name] for name in ("request", "access_point", "credential", "cardholder"))

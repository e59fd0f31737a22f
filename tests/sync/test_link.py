"""What is known of the line to the office."""

from sync.link import Direction, OfficeLink


def test_refusal_is_told_while_the_office_refuses_and_not_for_another_cause() -> None:
    link = OfficeLink()
    told = [link.refusal]
    for direction in Direction:
        link.bad(direction, "no token", refusal="unauthorized")
    told.append(link.refusal)
    link.bad(Direction.UP, "no network")
    told.append(link.refusal)
    link.good(Direction.DOWN)
    told.append(link.refusal)
    assert told == [None, "unauthorized", "unauthorized", None]

"""The access decision written a second time, from docs/access.md and the fields of LIST.json alone: slow and obvious.

It takes the raw list and a request in plain JSON (`random_lists.py` makes both) and shares no line with the engine, so
that a mistake in the engine is found and not shared. What the checks rested on is noted, to prove that tests reach it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tests.gateway.domain import oracle_passage as passage
from tests.gateway.domain import oracle_who as who
from tests.gateway.domain.oracle_case import Case, Json, RawList, canonical

ORDER: tuple[Callable[[Case], str | None], ...] = (
    who.valid_list,
    who.access_point,
    who.credential_known,
    who.local_block,
    who.credential_state,
    who.credential_validity,
    who.cardholder_validity,
    who.grade,
    who.risk,
    passage.door_mode,
    passage.access_level,
    passage.schedule,
    passage.authentication,
    passage.uses,
    passage.anti_passback,
    passage.occupancy,
    passage.interlock,
    passage.lockout,
    passage.pin,
    passage.escort,
    passage.second_credential,
    passage.confirmation,
)
WHO = ORDER[:7]
"""Until these have passed nobody knows that it is somebody in force."""
BOUND_IN_ONLY = ORDER[3:]
"""Checks 4 to 22 are not asked on the way out."""
WITHOUT_LIST = (who.valid_list, who.grade, passage.door_mode, passage.interlock)
"""What is asked where no list decides: the degraded mode, what the reader accepts, what stands above all grants."""


@dataclass(frozen=True)
class Answer:
    """`outcome` is `granted`, `denied REASON` or `wants THING`. `duress`: a silent alarm. The rest is told of a grant.

    `soft`: the ids of what was shown by those whom soft anti-passback let pass.
    """

    outcome: str
    floors: frozenset[str] = frozenset()
    duress: bool = False
    soft: frozenset[str] = frozenset()
    notes: frozenset[str] = frozenset()


class Oracle:
    """Answers requests by one document."""

    def __init__(self, document: Json, site_key: bytes) -> None:
        self._listed = RawList(document, site_key)

    def shows(self, reading: Json, credential: Json) -> bool:
        """Is this credential the one that the list knows for a reading?"""
        return self._listed.credentials.get(self._listed.keyed(canonical(reading))) is credential

    def answer(self, request: Json) -> Answer:
        """Ask the checks in their order; the first that fails gives the answer."""
        case = Case(self._listed, request)
        for check in ORDER:
            if case.rules["way_out"] and check in BOUND_IN_ONLY:
                case.notes.add("way out")
                break
            if case.without_list and check not in WITHOUT_LIST:
                continue
            failed = check(case)
            if failed is not None:
                outcome = f"wants {failed}" if failed in passage.WANTS else f"denied {failed}"
                heard = check not in WHO and _duress(case, pin_asked=ORDER.index(check) > ORDER.index(passage.pin))
                return Answer(outcome, duress=heard, notes=frozenset(case.notes))
        if case.without_list:
            return Answer("granted", notes=frozenset({*case.notes, "granted without a list"}))
        return Answer("granted", _floors(case), _duress(case), frozenset(case.soft), frozenset(case.notes))


def _floors(case: Case) -> frozenset[str]:
    """The floors of every grant that covers the time, of all who are shown."""
    if case.rules["way_out"]:
        return frozenset()
    grants = [grant for person in case.people for grant in case.grants_of(person)[0]]
    return frozenset(floor for grant in grants if case.covers(grant["schedule"]) for floor in grant.get("floors", ()))


def _duress(case: Case, *, pin_asked: bool = True) -> bool:
    """A duress PIN was wanted and typed, or something shown that signals duress."""
    by_pin = pin_asked and not case.rules["way_out"] and case.wanted() == "card_and_pin" and case.typed() == "duress"
    return by_pin or any(person.credential and person.credential.get("duress") for person in case.people)

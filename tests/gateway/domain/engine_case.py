"""Random requests in plain JSON as the engine's own values, by the product's own path from register to decision."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.domain.access import decide
from gateway.domain.access_request import (
    AccessRequest,
    Circumstances,
    Decision,
    PinResult,
    PointRules,
    Shown,
)
from gateway.domain.checks_completion import pin_result
from gateway.domain.credential import Credential, Grade, Identifier
from gateway.domain.door_mode import DoorMode
from gateway.domain.moment import ClockQuality, Moment
from gateway.domain.passage import gather
from gateway.domain.register import Block, Fact, LocalGrant, Made, Register, Uses, Whereabouts
from gateway.domain.site import DegradedMode
from gateway.store.list_document import parse_list
from gateway.store.memory_list import MemoryAccessList
from tests.gateway.domain.oracle_calendar import instant_of

Json = dict[str, Any]


class FallbackList(MemoryAccessList):
    """The list before."""

    fallback = True


@dataclass(frozen=True)
class EngineCase:
    """One request as the engine takes it."""

    request: AccessRequest
    moment: Moment
    access_list: MemoryAccessList | None
    circumstances: Circumstances

    def decide(self) -> Decision:
        """The engine's answer."""
        return decide(self.request, self.moment, self.access_list, self.circumstances)


class Engine:
    """The engine's lists of one document."""

    def __init__(self, document: Json, site_key: bytes) -> None:
        self._parsed, self._site_key = parse_list(document), site_key
        self._lists: dict[str, MemoryAccessList | None] = {"none": None}

    def _list(self, standing: str) -> MemoryAccessList | None:
        if standing not in self._lists:
            kind = FallbackList if standing == "fallback" else MemoryAccessList
            self._lists[standing] = kind.from_document(self._parsed, self._site_key)
        return self._lists[standing]

    def case(self, request: Json) -> EngineCase:
        """The request with what the register remembers, gathered as for a real one."""
        access_list = self._list(request["list"])
        quality = ClockQuality.SUSPECT if request["clock_suspect"] else ClockQuality.SYNCHRONISED
        moment = Moment(instant_of(request["at"]), 1000.0, "boot", quality)
        shown = tuple(_shown(one, access_list) for one in request["shown"])
        asked = AccessRequest(
            request["access_point"],
            shown,
            _pin(request["pin"], shown, access_list),
            request["confirmed"],
            _rules(request["rules"]),
        )
        circumstances = gather(
            asked,
            access_list,
            Register(_facts(request)),
            moment,
            mode=DoorMode(request["mode"]),
            interlocked_by=request["interlocked_by"],
            locked_out=request["locked_out"],
            on_their_way=lambda area: int(request["on_their_way"]),
        )
        return EngineCase(asked, moment, access_list, circumstances)


def _shown(one: Json, access_list: MemoryAccessList | None) -> Shown:
    if "pass" in one:
        opened = access_list.open_pass(one["text"]) if access_list else None
        return Shown((), Grade.PASS, opened, forged_pass=opened is None)
    identifiers = [Identifier(**reading) for reading in one["readings"]]
    return Shown(
        tuple(access_list.key(identifier) for identifier in identifiers) if access_list else (),
        Grade(one["grade"]),
        facilities=tuple((one.format, one.facility_code) for one in identifiers if one.facility_code is not None),
    )


def _pin(digits: str | None, shown: tuple[Shown, ...], access_list: MemoryAccessList | None) -> PinResult | None:
    """What the digits are for the credential that was shown first."""
    if digits is None:
        return None
    credential = _credential(shown[0], access_list)
    if credential is None or access_list is None:
        return PinResult.WRONG
    return pin_result(credential, digits, access_list)


def _credential(shown: Shown, access_list: MemoryAccessList | None) -> Credential | None:
    known = [access_list.credential(key) for key in shown.keys] if access_list else []
    return next((credential for credential in known if credential is not None), None)


def _rules(rules: Json) -> PointRules:
    return PointRules(
        rules["way_out"],
        None if rules["accepts"] is None else frozenset(Grade(grade) for grade in rules["accepts"]),
        DegradedMode(rules["degraded"]),
        None if rules["facility"] is None else tuple(rules["facility"]),
    )


def _facts(request: Json) -> Iterator[Fact]:
    at = instant_of(request["at"])
    for holder, seen in request["whereabouts"].items():
        where = Whereabouts(seen["area"], instant_of(seen["at"]), "ap-before", forgiven=seen["forgiven"])
        yield Fact("whereabouts", holder, where)
    for name, used in request["uses"].items():
        yield Fact("uses", name, Uses(used["total"], used["day"], used["today"]))
    for subject in request["blocked"]:
        yield Fact("block", subject, Block("lost", "guard", "gate", at))
    for name, grant in request["local_grants"].items():
        local = LocalGrant(tuple(grant["access_points"]), instant_of(grant["until"]), "delivery", "guard", "gate")
        yield Fact("local_grant", name, local)
    for name, made in request["made"].items():
        yield Fact("made", name, Made(instant_of(made)))

"""docs/console.md says what each role may do: held to the routes themselves."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from gateway.console import app, desk, sessions
from gateway.console.users import Role

PAGE = (Path(__file__).parents[3] / "docs" / "console.md").read_text(encoding="utf-8")
ROLES = {
    desk.supervisor_of: {"supervisor"},
    desk.opener_of: {"guard", "supervisor"},
    desk.guard_of: {"technician", "guard", "supervisor"},
}
"""Who passes a route's check: the strictest comes first."""


def _asked(dependant: Dependant) -> Iterator[Any]:
    yield dependant.call
    for each in dependant.dependencies:
        yield from _asked(each)


def _routes() -> dict[str, set[str]]:
    """Every call of the console, and the roles that may make it; none where anybody may."""
    found: dict[str, set[str]] = {}
    for room in app._ROOMS:
        for route in room.router.routes:
            if isinstance(route, APIRoute):
                checks = set(_asked(route.dependant))
                may = next((roles for check, roles in ROLES.items() if check in checks), set())
                found |= {f"{method} {route.path}": may for method in route.methods or ()}
    return found


def _told() -> dict[str, set[str]]:
    """The calls of the page's table, and the roles that have a mark there."""
    head, *rows = [line.strip("|").split("|") for line in PAGE.splitlines() if line.startswith("| ")]
    names = [cell.strip() for cell in head[1:4]]
    told: dict[str, set[str]] = {}
    for row in rows:
        may = {name for name, cell in zip(names, row[1:4], strict=True) if cell.strip()}
        told |= dict.fromkeys(re.findall(r"`([A-Z]+ /api[^`]*)`", row[4]), may)
    return told


def test_the_page_says_of_every_call_which_roles_may_make_it() -> None:
    routes, told = _routes(), _told()
    assert len(routes) > 30
    assert told == {call: may for call, may in routes.items() if may}
    anybody = [call for call, may in routes.items() if not may]
    assert [call for call in anybody if f"`{call}`" not in PAGE] == []


def test_the_page_names_every_role_and_how_long_a_sign_in_lasts() -> None:
    assert [role.value for role in Role if f"A **{role.value}**" not in PAGE] == []
    assert f"({sessions.ONE_TIME_S / 60:.0f} minutes)" in PAGE
    assert f"{sessions.IDLE_S / 3600:.0f} hours without a touch" in PAGE
    assert f"{sessions.ABSOLUTE_S / 3600:.0f} hours at the latest" in PAGE

"""A one-time password is good for one session, in which another is chosen."""

from dataclasses import replace
from datetime import datetime, timedelta

from gateway.console.sessions import ONE_TIME_S, SessionStore
from gateway.console.users import Role, User, first_run_password
from gateway.domain.moment import Moment
from gateway.domain.signals import OperatorActed
from tests.gateway.console.site_at_work import PASSWORD, SiteAtWork


async def test_it_signs_in_once_and_isnt_asked_for_again(site: SiteAtWork) -> None:
    password = first_run_password(site.users)
    assert password is not None
    body = {"user": "admin", "password": password}
    async with site.client() as client, site.client() as other:
        assert (await client.post("/api/session", json=body)).status_code == 200
        refused = await other.post("/api/session", json=body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "one_time_used")
        assert (await client.get("/api/session")).json()["must_change"] is True
        same = await client.post("/api/session/password", json={"new": password})
        assert same.json()["error"]["code"] == "password_unchanged"
        assert (await client.post("/api/session/password", json={"new": PASSWORD})).status_code == 200
        assert (await other.post("/api/session", json=body)).status_code == 401
        unasked = await client.post("/api/session/password", json={"new": PASSWORD + "x"})
        assert (unasked.status_code, unasked.json()["error"]["code"]) == (422, "current_required")
    actions = [signal.action for signal in site.doors.signals if isinstance(signal, OperatorActed)]
    assert actions == ["signed_in", "one_time_refused", "password_changed", "sign_in_failed"]


async def test_it_signs_in_again_after_the_first_session_ended_without_another(site: SiteAtWork) -> None:
    password = first_run_password(site.users)
    body = {"user": "admin", "password": password}
    async with site.client() as client:
        for _ in range(2):
            assert (await client.post("/api/session", json=body)).status_code == 200
            assert (await client.delete("/api/session")).status_code == 200


def test_a_session_that_chose_no_password_ends_soon(site: SiteAtWork) -> None:
    clock = _Clock(site)
    site.users.add("new", Role.GUARD, PASSWORD, must_change=True)
    sessions = SessionStore(site.users.path, clock)
    user = User("new", Role.GUARD, must_change=True)
    token = sessions.start(user, "")
    assert token is not None
    clock.ahead_s = ONE_TIME_S - 1
    assert sessions.find(token, touch=True) is not None
    assert sessions.start(user, "") is None
    clock.ahead_s = ONE_TIME_S + 1
    assert sessions.start(user, "") is not None
    assert sessions.find(token, touch=True) is None
    sessions.close()


class _Clock:
    """The site's clock, some time ahead."""

    def __init__(self, site: SiteAtWork) -> None:
        self._site, self.ahead_s = site, 0.0

    def raise_floor(self, floor: datetime) -> None:
        self._site.clock.raise_floor(floor)

    def now(self) -> Moment:
        now = self._site.clock.now()
        return replace(now, wall=now.wall + timedelta(seconds=self.ahead_s))

"""Whatever happens at a compound: what each event keeps is enough to decide it again."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from gateway.commands.replay import decide_again
from gateway.domain import signals as sg
from gateway.domain.access_request import MISSING
from gateway.domain.controller import Turn
from gateway.domain.events import AccessDenied, AccessGranted
from gateway.store.records import event_from_record, to_record_body
from tests.gateway.domain.plant import GUARD
from tests.gateway.domain.test_access_day import LISTS, AccessDay


class ReplayedDay(AccessDay):
    """A day whose decisions are made again from their journalled form, as soon as they are told."""

    def give(self, signal: sg.Signal) -> Turn:
        turn = super().give(signal)
        for told in turn.events:
            if not isinstance(told, AccessGranted | AccessDenied) or told.circumstances.get("gave_up"):
                continue
            event = event_from_record(type(told).__name__, told.version, to_record_body(told))
            assert isinstance(event, AccessGranted | AccessDenied)
            decision = decide_again(event, self.moment, LISTS[self.list_number])
            missing = None if decision.wants is None else MISSING[decision.wants]
            assert isinstance(told, AccessGranted) == decision.granted
            assert getattr(told, "reason", None) == (missing or decision.reason)
            assert decision.trace == told.trace
            assert decision.list_version == told.list_version
        return turn

    # What seldom comes together by chance

    def show(self, number: int, reader: str) -> None:
        """A card that isn't the one still being held there."""
        self.time_passes(2.0)
        self.somebody_shows_a_card(number, reader)

    @rule(number=st.sampled_from([1, 2]), digits=st.sampled_from(["2468", "8642", "0000"]))
    def somebody_shows_a_card_and_types(self, number: int, digits: str) -> None:
        self.show(number, "si")
        self.somebody_types(digits, "si")

    @rule()
    def somebody_guesses(self) -> None:
        for _ in range(5):
            self.somebody_shows_a_card_and_types(1, "0000")
        self.show(1, "si")

    @rule(number=st.sampled_from([1, 2, 4]), allow=st.booleans())
    def a_guard_answers_somebody(self, number: int, allow: bool) -> None:
        self.show(number, "fi")
        waiting = self.live.entry.state.waiting.get("flap-in")
        if waiting is not None:
            self.give(sg.AccessConfirmRequested(self.request(), waiting.request, allow, GUARD))

    @rule(number=st.sampled_from([1, 2]))
    def somebody_enters_a_sluice_that_stands_open(self, number: int) -> None:
        self.a_door_moves("vault", True)
        self.show(number, "ii")


TestReplayedDay = ReplayedDay.TestCase
TestReplayedDay.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)

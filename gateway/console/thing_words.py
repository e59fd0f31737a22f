"""What things are called in a sentence: doors, devices, areas, cards and people, by the kind that an id names."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from gateway.console.messages import Catalogue
from gateway.console.parts import SiteNames

_BROKER = "broker:"
_DEVICE = "device:"
_PASS = "pass:"
_CARD_NAMES_MAX = 5
"""People who are shown together."""


class NameSources(Protocol):
    """Where names come from: the site, and the office's list by credential id and by cardholder id."""

    @property
    def site(self) -> SiteNames: ...
    @property
    def card_label(self) -> Callable[[str], str]: ...
    @property
    def holder_kind(self) -> Callable[[str], str]: ...
    @property
    def holder_label(self) -> Callable[[str], str]: ...


class ThingWords:
    """Names by id; cards and people by the office's labels, passes by their ids, never by digits."""

    def __init__(self, catalogue: Catalogue, sources: NameSources) -> None:
        self._catalogue, self.site = catalogue, sources.site
        self.card_label = sources.card_label
        self._holder_kind, self._holder_label = sources.holder_kind, sources.holder_label

    def thing(self, thing: str, language: str, kind: str = "") -> str:
        """Anything of the site; what has no name goes by its kind and id."""
        if kind in ("credential", "cardholder"):
            return self.card(thing, language) if kind == "credential" else self.person(thing, language)
        if thing.startswith(_DEVICE):
            thing, kind = thing.removeprefix(_DEVICE), "device"
        if thing.startswith(_BROKER) or kind == "broker":
            return self._catalogue.text(language, "words.broker", id=thing.removeprefix(_BROKER))
        if kind == "area":
            return self.area(thing, language)
        named = self.site.named(thing, language, kind)
        if named != thing:
            return named
        word = self._catalogue.word(language, "thing", thing)
        if word == thing and kind == "device":
            return self._catalogue.text(language, "words.device", id=thing)
        return word

    def area(self, area: str | None, language: str) -> str:
        """An area; None is outside of all."""
        if area is None or area == "outside":
            return self._catalogue.text(language, "words.outside")
        if area not in self.site.areas:
            return self._catalogue.text(language, "words.area", id=area)
        return self.site.named(area, language, "area")

    def group(self, group: str | None, language: str) -> str:
        """A door group; without one, all doors."""
        if not group or group == "all":
            return self._catalogue.text(language, "words.all_doors")
        return self.site.named(group, language, "door_group")

    def card(self, credential: object, language: str, shown: str = "card") -> str:
        """A credential by the office's label; without one by what was `shown`, as in `words.pin_without_label`."""
        if not isinstance(credential, str):
            return self._catalogue.text(language, f"words.unknown_{shown}")
        if credential.startswith(_PASS):
            # `pass:KEY/ID` (docs/access.md); older ones are named without their key.
            return self._catalogue.text(language, "words.the_pass", id=credential.removeprefix(_PASS).split("/")[-1])
        return self.card_label(credential) or self._catalogue.text(language, f"words.{shown}_without_label")

    def card_name(self, credential: str) -> str:
        """The same whatever the language: the office's label or a pass's name, "" where there is neither."""
        return credential if credential.startswith(_PASS) else self.card_label(credential)

    def cards(self, credentials: str, language: str) -> str:
        """Several, as a trace has them: joined by commas."""
        named = credentials.split(",")[:_CARD_NAMES_MAX]
        return self._catalogue.text(language, "ui.and").join(self.card(each or None, language) for each in named)

    def person(self, cardholder: str | None, language: str) -> str:
        """Somebody by one of their cards' labels; None is everybody."""
        if cardholder is None:
            return self._catalogue.text(language, "words.everybody")
        if cardholder.startswith(_PASS):  # A pass that names nobody is its own bearer.
            return self.card(cardholder, language)
        label = self._holder_label(cardholder)
        return label or self._catalogue.text(language, "words.somebody")

    def kind_of(self, cardholder: str | None) -> str:
        """What somebody is to the compound: a `CardholderKind`, "" where the list doesn't know them."""
        return "" if cardholder is None else self._holder_kind(cardholder)

    def subject(self, subject: str, language: str) -> str:
        """A block's `credential:ID` or `cardholder:ID`."""
        kind, _, name = subject.partition(":")
        if kind == "credential":
            label = self.card_label(name)
            return (
                self._catalogue.text(language, "words.the_card", card=label)
                if label
                else self.card(name, language, "credential")
            )
        if kind == "cardholder":
            return self._holder(name, language)
        return subject

    def _holder(self, cardholder: str, language: str) -> str:
        """A blocked person by a label; without one by what they are to the compound."""
        label = self.card(cardholder, language) if cardholder.startswith(_PASS) else self._holder_label(cardholder)
        if label:
            return self._catalogue.text(language, "words.the_person", person=label)
        if kind := self.kind_of(cardholder):
            word = self._catalogue.word(language, "cardholder_kind", kind)
            return self._catalogue.text(language, "words.somebody_of", kind=word)
        return self._catalogue.text(language, "words.somebody")

    def local_time(self, iso: str) -> str:
        """A time by the site's clocks, to the minute."""
        return f"{datetime.fromisoformat(iso).astimezone(ZoneInfo(self.site.zone)):%m-%d %H:%M}"

    def local_date_time(self, at: datetime) -> str:
        """The same with its year, for what is kept."""
        return f"{at.astimezone(ZoneInfo(self.site.zone)):%Y-%m-%d %H:%M}"

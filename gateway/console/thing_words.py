"""What things are called in a sentence: doors, devices, areas, cards and people, by the kind that an id names."""

from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.console.messages import Catalogue
from gateway.console.parts import ConsoleParts

_BROKER = "broker:"
_DEVICE = "device:"
_PASS = "pass:"
_CARD_NAMES_MAX = 5
"""People who are shown together."""


class ThingWords:
    """Names by id; cards and people by the office's labels, never by digits."""

    def __init__(self, catalogue: Catalogue, parts: ConsoleParts) -> None:
        self._catalogue, self.site = catalogue, parts.site
        self.card_label = parts.card_label
        self._holder_kind, self._holder_label = parts.holder_kind, parts.holder_label

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
        named = self.site.named(area, language, "area")
        return self._catalogue.text(language, "words.area", id=area) if named == area else named

    def group(self, group: str | None, language: str) -> str:
        """A door group; without one, all doors."""
        if not group or group == "all":
            return self._catalogue.text(language, "words.all_doors")
        return self.site.named(group, language, "door_group")

    def card(self, credential: object, language: str) -> str:
        """A card by the office's label."""
        if not isinstance(credential, str):
            return self._catalogue.text(language, "words.unknown_card")
        label = self.card_label(credential)
        kind = "words.pass" if credential.startswith(_PASS) else "words.card_without_label"
        return label or self._catalogue.text(language, kind)

    def cards(self, credentials: str, language: str) -> str:
        """Several, as a trace has them: joined by commas."""
        named = credentials.split(",")[:_CARD_NAMES_MAX]
        return self._catalogue.text(language, "ui.and").join(self.card(each or None, language) for each in named)

    def person(self, cardholder: str | None, language: str) -> str:
        """Somebody by one of their cards' labels; None is everybody."""
        if cardholder is None:
            return self._catalogue.text(language, "words.everybody")
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
            return self._catalogue.text(language, "words.the_card", card=label) if label else self.card(name, language)
        if kind == "cardholder":
            label = self._holder_label(name)
            key = "words.the_person" if label else "words.somebody"
            return self._catalogue.text(language, key, person=label)
        return subject

    def local_time(self, iso: str) -> str:
        """A time by the site's clocks, to the minute."""
        return f"{datetime.fromisoformat(iso).astimezone(ZoneInfo(self.site.zone)):%m-%d %H:%M}"

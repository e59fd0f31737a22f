"""What the sentences of guard tours say: the tour, its points, who walked it and what was not as planned."""

from typing import Any

from gateway.console.messages import Catalogue
from gateway.console.thing_words import ThingWords
from gateway.domain.ports import RecordedEvent


def tour_values(event: RecordedEvent, language: str, catalogue: Catalogue, things: ThingWords) -> dict[str, Any]:
    """The values of an event of a tour; none of any other."""
    if not event.type.startswith("Tour"):
        return {}
    body, tour = event.body, event.body.get("tour")
    values: dict[str, Any] = {}
    if isinstance(tour, str):
        values["tour"] = things.thing(tour, language, "tour")
    for name, field in (("point", "reader"), ("expected", "expected")):
        if isinstance(body.get(field), str):
            values[name] = things.site.tour_point(body[field], language, tour)
    if event.type == "TourCompleted":
        values["person"] = things.person(body.get("cardholder"), language)
        counts = {name: body[name] for name in ("early", "late", "out_of_order")}
        exceptions = catalogue.text(language, "words.tour_exceptions", **counts)
        values["exceptions_part"] = exceptions if any(counts.values()) else ""
    return values

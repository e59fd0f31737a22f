"""What is wrong with a request's line, in words: what msgspec says names its own types and patterns."""

import re
from collections.abc import Mapping

_PLACE = re.compile(r"(?: - at `\$\.?(?P<place>.*)`)?\Z")
_KINDS = {
    "str": "a text",
    "int": "a whole number",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
    "float": "a number with a fraction",
    "null": "null",
}
_SAYINGS = (
    (r"Object missing required field `(?P<name>[^`]+)`", "{name} is needed and missing{in_place}"),
    (r"Object contains unknown field `(?P<name>[^`]+)`", "{name} is not known{in_place}: is it misspelt?"),
    (r"Invalid enum value (?P<value>'.*?'|[^ ]+)", "{place} is none of the values that are known: {value}"),
    (r"Expected `(?P<kinds>[^`]+)`, got `(?P<got>\w+)`", "{place} must be {kinds}, and is {got}"),
    (r"Expected `(?P<kinds>[^`]+)` matching regex '.*'", "{place} must be {form}"),
    (r"Expected `array` of length >= (?P<bound>\d+)", "{place} holds too few: {bound} or more"),
    (r"Expected `array` of length <= (?P<bound>\d+)", "{place} holds too many: {bound} at most"),
    (r"Expected `str` of length >= (?P<bound>\d+)", "{place} must have {bound} or more characters"),
    (r"Expected `str` of length <= (?P<bound>\d+)", "{place} may have {bound} characters at most"),
    (r"Expected `int` >= (?P<bound>-?\d+)", "{place} must be {bound} or more"),
    (r"Expected `int` <= (?P<bound>-?\d+)", "{place} must be {bound} at most"),
    (r"Number out of range", "a number in it is out of range"),
    (r"Input data was truncated", "is no JSON: it ends too early"),
    (r"JSON is malformed: .*\(byte (?P<byte>\d+)\)", "is no JSON from its byte {byte} on"),
)


def in_words(error: Exception, forms: Mapping[str, str]) -> str:
    """What an error of reading one line means. `forms` tells, by a key's name, the form that its text must have."""
    said = str(error)
    found = _PLACE.search(said)
    place = "" if found is None else found["place"] or ""
    for pattern, words in _SAYINGS:
        match = re.match(pattern, said)
        if match is None:
            continue
        told = match.groupdict()
        kinds = [_KINDS.get(kind, kind) for kind in told.get("kinds", "").split(" | ")]
        return words.format_map(
            told
            | {
                "place": place or "the line",
                "in_place": f" in {place}" if place else "",
                "kinds": " or ".join(kinds),
                "got": _KINDS.get(told.get("got", ""), told.get("got", "")),
                "form": forms.get(place.rpartition(".")[2], "of another form"),
            }
        )
    return "is no JSON that can be read here"

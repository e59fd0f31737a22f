"""Sound LIST.json documents of every shape, for properties."""

from typing import Any

from hypothesis import strategies as st

from gateway.domain.credential import Identifier
from tests.gateway.store.sample_lists import full_list

IDENTIFIERS = [
    *(Identifier("H10301", 100, number) for number in range(-1, 8)),
    *(Identifier("EM4100", None, number) for number in range(4)),
    Identifier("EM4100", 0, 1),
    Identifier("PIN4", None, 7),
    Identifier("PIN5", None, 7),
    Identifier("PLATE", None, "京A12345"),
    Identifier("PLATE", None, "B1"),
]
"""Those that a document may hold, and some that it doesn't."""

_NAMES = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Z")), min_size=1, max_size=64).filter(
    lambda text: not any(character.isspace() for character in text)
)
_IDS = _NAMES.filter(lambda text: not set(text) & set(",/"))
_TIMES = st.sampled_from(["2027-01-01T00:00:00Z", "2027-06-01T12:30:00.000001+08:00", "1999-12-31T23:59:59-11:00"])
_HASHES = st.binary(min_size=16, max_size=16).map(bytes.hex)
_FLAGS = st.booleans()


def _some(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


_VALIDITY: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"valid_from": st.none(), "valid_until": _TIMES}),
    st.fixed_dictionaries({"valid_from": _TIMES, "valid_until": st.none()}),
    st.just({"valid_from": "2027-01-01T00:00:00Z", "valid_until": "2027-01-01T00:00:00.5Z"}),
)
_RISKS = st.none() | st.fixed_dictionaries(
    {"level": st.integers(1, 3), "reason": st.text(max_size=5)}, optional={"until": st.none() | _TIMES}
)
_CARDHOLDER = _some(
    {
        "kind": st.sampled_from(["resident", "family", "tenant", "staff", "visitor", "contractor"]),
        "risk": _RISKS,
        "groups": st.lists(_NAMES, max_size=3),
        **dict.fromkeys(
            ("extended_time", "anti_passback_exempt", "escort_needed", "can_escort", "special_care"), _FLAGS
        ),
    }
)
_PINS = st.sampled_from(
    [
        {},
        {"pin": "1234"},
        {"pin": "1234", "duress_pin": "4321"},
        {"duress_pin": "000000000000"},
        {"pin_key": "0" * 32, "duress_pin": "1234"},
        {"pin_key": "0" * 32, "duress_pin_key": "1" * 32},
    ]
)
_CREDENTIAL = _some(
    {
        "label": st.text(max_size=8),
        "state": st.sampled_from(["active", "suspended", "lost", "expired"]),
        "uses": st.none() | st.integers(1, 1_000_000),
        "uses_per_day": st.none() | st.integers(1, 100),
        "duress": _FLAGS,
        "grade": st.sampled_from([None, "clonable", "secure"]),
    }
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """The full list with cardholders and credentials of its own; none may be there at all."""
    document = full_list()
    levels = [level["id"] for level in document["levels"]]
    held = st.builds(lambda level, validity: {"level": level, **validity}, st.sampled_from(levels), _VALIDITY)
    holders = draw(st.lists(_IDS, min_size=1, max_size=6, unique=True))
    document["cardholders"] = [
        {"id": id_, "levels": draw(st.lists(held, max_size=3)), **draw(_CARDHOLDER), **draw(_VALIDITY)}
        for id_ in holders
    ]
    document["pass_keys"] = []
    named = [_named(identifier) for identifier in draw(st.lists(st.sampled_from(_HELD), unique=True))]
    named += [{"key": key} for key in draw(st.lists(_HASHES, max_size=3, unique=True))]
    ids = draw(st.lists(_IDS, min_size=len(named), max_size=len(named), unique=True))
    document["credentials"] = [
        {"id": id_, "cardholder": draw(st.sampled_from(holders)), **name, **draw(_PINS), **draw(_CREDENTIAL)}
        | draw(_VALIDITY)
        for id_, name in zip(ids, named, strict=True)
    ]
    return document


_HELD = [identifier for identifier in IDENTIFIERS if identifier.number != -1]


def _named(identifier: Identifier) -> dict[str, Any]:
    fields = {"format": identifier.format, "number": identifier.number}
    return fields if identifier.facility_code is None else {**fields, "facility_code": identifier.facility_code}

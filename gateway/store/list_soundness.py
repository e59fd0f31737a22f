"""Whether the long parts of LIST.json are sound: yes at once, or the slow walk must name the faults.

A million credentials are decoded as types here in a fraction of the time that the walk takes. Wherever this says yes,
the walk finds nothing; a no may be wrong (two hashes may be alike by chance), and the walk then has the last word.
"""

import re
from array import array
from collections.abc import Set as AbstractSet

import msgspec
from msgspec import UNSET

from gateway.domain.credential import NUMBER_MAX
from gateway.store.list_identifiers import Fits, any_number, identifier_fault
from gateway.store.list_items import CardholderItem, CredentialItem, Items
from gateway.store.list_times import rfc3339

_FORMAT = re.compile(r"[A-Za-z0-9_.-]{1,32}")
_PLATE = re.compile(r"[^\sa-z\x00-\x1f]{1,20}")


def sound_cardholders(items: Items[CardholderItem], levels: AbstractSet[str]) -> set[str] | None:
    """The ids of cardholders that are sound; None if one isn't."""
    ids: set[str] = set()
    try:
        for item in items.typed():
            ids.add(item.id)
            if not _is_sound_cardholder(item, levels):
                return None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return ids if len(ids) == len(items) else None


def are_sound_credentials(items: Items[CredentialItem], cardholders: AbstractSet[str], fits: Fits = any_number) -> bool:
    """Are they all sound, no id there twice, no two the same card?"""
    ids, cards = array("q"), array("q")
    formats: set[str] = set()
    try:
        for item in items.typed():
            if item.cardholder not in cardholders or not _is_sound_credential(item, formats, fits):
                return False
            ids.append(hash(item.id))
            cards.append(hash(_card(item)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return _all_differ(ids) and _all_differ(cards)


def _card(item: CredentialItem) -> object:
    if item.key is not UNSET:
        return item.key
    return item.format, None if item.facility_code is UNSET else item.facility_code, item.number


def _all_differ(hashes: "array[int]") -> bool:
    return len(set(hashes)) == len(hashes)


def _is_sound_cardholder(item: CardholderItem, levels: AbstractSet[str]) -> bool:
    if not _is_span(item.valid_from, item.valid_until):
        return False
    for held in item.levels:
        if held.level not in levels or not _is_span(held.valid_from, held.valid_until):
            return False
    return item.risk is None or _is_span(None, item.risk.until)


def _is_sound_credential(item: CredentialItem, formats: set[str], fits: Fits) -> bool:
    if item.key is not UNSET:
        named = item.format is UNSET and item.facility_code is UNSET and item.number is UNSET
    else:
        named = _is_identifier(item, formats, fits)
    return named and _is_span(item.valid_from, item.valid_until) and _are_sound_pins(item)


def _is_identifier(item: CredentialItem, formats: set[str], fits: Fits) -> bool:
    """`formats` holds those that were seen: a list has a handful."""
    name, number = item.format, item.number
    if name is UNSET or number is UNSET:
        return False
    if name not in formats:
        if _FORMAT.fullmatch(name) is None:
            return False
        formats.add(name)
    bounded = 0 <= number <= NUMBER_MAX if isinstance(number, int) else _PLATE.fullmatch(number) is not None
    facility_code = None if item.facility_code is UNSET else item.facility_code
    return bounded and identifier_fault(name, facility_code, number, fits) is None


def _are_sound_pins(item: CredentialItem) -> bool:
    if item.pin is UNSET and item.pin_key is UNSET and item.duress_pin is UNSET and item.duress_pin_key is UNSET:
        return True
    for pin, key in ((item.pin, item.pin_key), (item.duress_pin, item.duress_pin_key)):
        if pin is not UNSET and key is not UNSET:
            return False
    alike = item.pin is not UNSET and item.pin == item.duress_pin
    return not alike and (item.pin_key is UNSET or item.pin_key != item.duress_pin_key)


def _is_span(start: str | None, end: str | None) -> bool:
    """Are they times, and does it end after it starts?"""
    if start is None and end is None:
        return True
    try:
        first = None if start is None else rfc3339(start)
        last = None if end is None else rfc3339(end)
    except ValueError:
        return False
    return first is None or last is None or first < last

"""The two long arrays of LIST.json, cardholders and credentials: never decoded at once, and typed for speed.

The types say what `list_schema` says, so that a sound item is known by decoding it; the faults of another are named
by the schema.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.domain.cardholder import CardholderKind
from gateway.domain.credential import CredentialState, canonical_text

ID_PATTERN = r"^[^\s,/\x00-\x1f]{1,64}$"
"""Traces join ids by commas and slashes, and a pass's name is `pass:KEY/ID`."""
NAME_PATTERN = r"^[^\s\x00-\x1f]{1,64}$"
"""Of groups and floors, such as `G/F`."""

_Id = Annotated[str, Meta(pattern=ID_PATTERN.replace("$", r"\Z"))]
_Name = Annotated[str, Meta(pattern=NAME_PATTERN.replace("$", r"\Z"))]
_Label = Annotated[str, Meta(max_length=200)]
_Pin = Annotated[str, Meta(pattern=r"^[0-9]{4,12}\Z")] | UnsetType
_Hash = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")] | UnsetType
_Count = Annotated[int, Meta(ge=1, le=1_000_000)] | None


class HeldItem(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A level that a cardholder holds. Whether it exists is asked elsewhere, as with every reference."""

    level: str
    valid_from: str | None = None
    valid_until: str | None = None


class RiskItem(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """What the office warns of."""

    level: Annotated[int, Meta(ge=1, le=3)]
    reason: _Label
    until: str | None = None


class CardholderItem(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A cardholder as the office sent it."""

    id: _Id
    kind: CardholderKind = CardholderKind.RESIDENT
    levels: Annotated[tuple[HeldItem, ...], Meta(max_length=100)] = ()
    extended_time: bool = False
    valid_from: str | None = None
    valid_until: str | None = None
    risk: RiskItem | None = None
    anti_passback_exempt: bool = False
    escort_needed: bool = False
    can_escort: bool = False
    special_care: bool = False
    groups: Annotated[tuple[_Name, ...], Meta(max_length=20)] = ()


class CredentialItem(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A credential as the office sent it. It may hold digits of cards and PINs: it is never kept, printed or logged."""

    id: _Id
    cardholder: str
    format: str | UnsetType = UNSET
    facility_code: Annotated[int, Meta(ge=0, le=2**32 - 1)] | UnsetType | None = UNSET
    number: int | str | UnsetType = UNSET
    key: _Hash = UNSET
    label: _Label = ""
    state: CredentialState = CredentialState.ACTIVE
    valid_from: str | None = None
    valid_until: str | None = None
    uses: _Count = None
    uses_per_day: _Count = None
    pin: _Pin = UNSET
    pin_key: _Hash = UNSET
    duress_pin: _Pin = UNSET
    duress_pin_key: _Hash = UNSET
    duress: bool = False
    grade: Literal["clonable", "secure"] | None = None

    def __repr__(self) -> str:
        return f"CredentialItem({self.id!r})"

    def canonical(self) -> str:
        """The canonical text of what names it, where the office sent no key."""
        assert self.format is not UNSET and self.number is not UNSET  # noqa: PT018
        return canonical_text(self.format, None if self.facility_code is UNSET else self.facility_code, self.number)


class NoJson(str):
    """Stands for an item that can't be decoded; its text says why."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"no JSON: {self}"


_T = TypeVar("_T", bound=msgspec.Struct)


class Items(Generic[_T]):
    """An array whose items stay text. Plain decoding for whoever names faults, typed for whoever takes them."""

    def __init__(self, texts: list[msgspec.Raw], kind: type[_T]) -> None:
        self._texts = texts
        self._decode = msgspec.json.Decoder(kind).decode

    def __len__(self) -> int:
        return len(self._texts)

    def __iter__(self) -> Iterator[Any]:
        return map(_plain, self._texts)

    def typed(self) -> Iterator[_T]:
        """Every item. Raises msgspec.DecodeError or UnicodeDecodeError at one that isn't of its kind."""
        return map(self._decode, self._texts)

    def texts(self) -> Iterator[msgspec.Raw]:
        """Every item as the office wrote it."""
        return iter(self._texts)


def _plain(text: msgspec.Raw) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return NoJson(error)

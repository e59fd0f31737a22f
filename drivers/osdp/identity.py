"""Who a reader says that it is (PDID; v2.2, section 7.4); pure."""

from dataclasses import dataclass

_BYTES = 12


@dataclass(frozen=True, slots=True)
class ReaderIdentity:
    """`vendor` is its IEEE OUI, such as `00-06-8E`; `firmware` is major.minor.build."""

    vendor: str
    model: int
    version: int
    serial: int
    firmware: str


def read_identity(data: bytes) -> ReaderIdentity | None:
    """From a PDID's data; None when it has another length."""
    if len(data) != _BYTES:
        return None
    return ReaderIdentity(
        data[:3].hex("-").upper(),
        data[3],
        data[4],
        int.from_bytes(data[5:9], "little"),
        ".".join(str(part) for part in data[9:12]),
    )

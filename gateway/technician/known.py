"""Whether the list in force at a site knows what was read."""

from collections.abc import Callable

from gateway.domain.credential import Credential, Reading
from gateway.technician.place import Place


def known_credential(place: Place) -> Callable[[Reading], Credential | None] | None:
    """Looks a reading up in the list in force; None where there is no usable one to ask."""
    listed = place.list_in_force()
    if listed is None:
        return None
    return lambda reading: listed.credential(listed.key(reading.identifier))

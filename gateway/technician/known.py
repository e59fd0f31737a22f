"""Whether the list in force at a site knows what was read."""

from collections.abc import Callable

from gateway.domain.credential import Credential, Reading
from gateway.errors import ListInvalid
from gateway.paths import Paths
from gateway.store.access_list import open_list
from gateway.store.list_folder import current_list
from gateway.store.site_key import load_site_key
from gateway.technician.walk_commands import Place


def known_credential(place: Place) -> Callable[[Reading], Credential | None]:
    """Looks a reading up in the list in force; without a usable one nothing is known."""
    paths = Paths(place.config, place.data)
    path = current_list(paths.lists) if (paths.secrets / "site-key").exists() else None
    try:
        listed = None if path is None else open_list(path, load_site_key(paths.secrets))
    except ListInvalid:
        listed = None

    def find(reading: Reading) -> Credential | None:
        return None if listed is None else listed.credential(listed.key(reading.identifier))

    return find

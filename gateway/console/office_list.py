"""What the list in force says of people for the page: labels and kinds, never digits; and how many each area takes."""

import logging
import threading
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

from gateway.console.parts import Labelled
from gateway.errors import ListInvalid
from gateway.store.access_list import CompiledAccessList, open_list
from gateway.store.list_folder import current_list
from gateway.store.site_key import load_site_key

log = logging.getLogger(__name__)

LABELS_MAX = 21
"""Found at once: twenty are what somebody reads, and one more says that there are more."""


class OfficeList:
    """Opened anew when another list is in force; what can't be opened is told once. Safe from several threads."""

    def __init__(self, lists: Path, secrets: Path) -> None:
        self._lists, self._secrets = lists, secrets
        self._lock = threading.Lock()
        self._search = threading.Lock()
        """Looking through a long list takes a while: one at a time, and nobody else waits for it."""
        self._path: Path | None = None
        self._opened: CompiledAccessList | None = None
        self._labels_by_holder: dict[str, str] | None = None

    def card_label(self, credential: str) -> str:
        """The office's label of a card, "" where there is none."""
        with self._lock:
            opened = self._newest()
            found = None if opened is None else opened.credential_by_id(credential)
        return "" if found is None else found.label

    def holder_kind(self, cardholder: str) -> str:
        """What somebody is to the compound (a `CardholderKind`), "" for whom the list doesn't know."""
        with self._lock:
            opened = self._newest()
            found = None if opened is None else opened.cardholder(cardholder)
        return "" if found is None else found.kind.value

    def holder_label(self, cardholder: str) -> str:
        """The label of one of somebody's cards, "" where none has one. The first question of a list reads all of it."""
        with self._lock:
            opened = self._newest()
            if opened is None:
                return ""
            if self._labels_by_holder is None:
                labelled = (credential for credential in opened.each_credential() if credential.label)
                self._labels_by_holder = {credential.cardholder: credential.label for credential in labelled}
            return self._labels_by_holder.get(cardholder, "")

    def find_labels(self, text: str) -> Sequence[Labelled]:
        """At most `LABELS_MAX` credentials whose label has `text` in it, in the office's order. May read all of it."""
        wanted = text.casefold()
        with self._lock:
            opened = self._newest()
        if opened is None or not wanted:
            return ()
        with self._search:
            found = (each for each in opened.each_credential() if wanted in each.label.casefold())
            return [Labelled(each.id, each.cardholder, each.label) for each in islice(found, LABELS_MAX)]

    def area_limits(self) -> Mapping[str, int | None]:
        """The areas, and how many people each takes: None for any number."""
        with self._lock:
            opened = self._newest()
            return {} if opened is None else {area.id: area.max_occupancy for area in opened.areas()}

    def _newest(self) -> CompiledAccessList | None:
        path = current_list(self._lists)
        if path is not None and path != self._path:
            try:
                self._opened = open_list(path, load_site_key(self._secrets))
                self._labels_by_holder = None
            except ListInvalid as error:
                log.warning("the list can't be opened for its labels: %s", error)
            self._path = path
        return self._opened

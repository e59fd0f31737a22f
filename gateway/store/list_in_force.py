"""The list that decides, at the doors: the one to start with, and a prepared one put in its place."""

import logging
from pathlib import Path

from gateway.domain.listed import AccessList
from gateway.errors import ListInvalid
from gateway.store.access_list import CompiledAccessList, CompiledFile, open_list
from gateway.store.list_folder import current_list, pointer_fault, previous_list, set_current

log = logging.getLogger(__name__)


class ListInForce:
    """Opens what `ListFolder` makes. `data` is the data directory, to which paths in signals are relative."""

    def __init__(self, data: Path, lists: Path, site_key: bytes) -> None:
        self._data, self._lists, self._site_key = data, lists, site_key

    def first(self) -> CompiledAccessList | None:
        """The list in force; in its place the one before it when that file is missing or damaged."""
        if (fault := pointer_fault(self._lists)) is not None:
            log.error("%s", fault)
        for path, fallback in ((current_list(self._lists), False), (previous_list(self._lists), True)):
            if path is None:
                continue
            try:
                return open_list(path, self._site_key, fallback)
            except ListInvalid as error:
                log.error("access list %s can't be used: %s", path, error)
        return None

    def take(self, relative: str, current: AccessList | None) -> CompiledAccessList:
        """Open a prepared list, check it whole, and only then make it the one to start with.

        Raises ListInvalid where it can't be used, OSError where the folder can't be written.
        """
        path = self._data / relative
        beside = current if isinstance(current, CompiledAccessList) else None
        opened = open_list(path, self._site_key, beside=beside)
        made = CompiledFile(path, opened.version, opened.digest, opened.credentials, opened.generation)
        set_current(self._lists, made, stood_in=current is not None and current.fallback)
        return opened

"""A whole list that is not, to the byte, what its manifest promised was torn, whatever the bytes have come to mean."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.domain.list_update import PromisedList
from gateway.errors import ListInvalid, ListTorn
from gateway.store.list_folder import ListFolder
from tests.sync.site import SITE, SITE_KEY, a_list
from tests.sync.small_lists import SmallLists


def _promised(document: dict[str, object]) -> tuple[bytes, PromisedList]:
    lists = SmallLists(SITE)
    lists.put(document)
    told = lists.manifest()
    issued_at = datetime.fromisoformat(told["issued_at"]).astimezone(UTC)
    return lists.whole(), PromisedList(SITE, 0, 1, issued_at, told["count"], bytes.fromhex(told["root"]))


def test_no_byte_of_a_whole_list_can_be_cut_off_or_changed_without_its_being_torn(tmp_path: Path) -> None:
    raw, promised = _promised(a_list())
    folder = ListFolder(tmp_path, SITE_KEY)
    assert folder.prepare_whole(raw, promised).version == 1
    schema = raw.index(b'"schema": 1') + len(b'"schema": ')
    for at in range(len(raw)):
        flipped = raw[:at] + bytes([raw[at] ^ 1 << at % 8]) + raw[at + 1 :]
        for spoiled in (raw[:at], flipped):
            if spoiled == flipped and at == schema:
                continue  # which the manifest doesn't promise
            with pytest.raises(ListTorn):
                folder.prepare_whole(spoiled, promised)


def test_a_list_that_makes_no_sense_as_it_was_promised_is_not_torn(tmp_path: Path) -> None:
    raw, promised = _promised(a_list(cardholders=[{"id": "p-1", "levels": [{"level": "nowhere"}]}], credentials=[]))
    with pytest.raises(ListInvalid, match="no level 'nowhere'") as refused:
        ListFolder(tmp_path, SITE_KEY).prepare_whole(raw, promised)
    assert not isinstance(refused.value, ListTorn)
    for more in (b'{"more": 1, ', b'{"pins": [], '):
        with pytest.raises(ListTorn):
            ListFolder(tmp_path, SITE_KEY).prepare_whole(raw.replace(b"{", more, 1), promised)

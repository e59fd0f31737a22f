"""Facts about the list that the doors go by: opened whole or not at all, and the last sound one stands in."""

from pathlib import Path

import pytest

from gateway.errors import ListInvalid
from gateway.store.list_folder import ListFolder, current_list
from gateway.store.list_in_force import ListInForce
from tests.gateway.store.list_office import OfficeList
from tests.gateway.store.sample_lists import sample_list

KEY = b"k" * 32


class Gate:
    """A data directory to which lists come whole, one after the other."""

    def __init__(self, data: Path) -> None:
        self.data, self.office = data, OfficeList(sample_list(3))
        self.lists = ListInForce(data, data / "lists", KEY)
        self.listed = self.lists.first()

    @property
    def version(self) -> int:
        """Of the list in force, 0 without one."""
        return 0 if self.listed is None else self.listed.version

    @property
    def stands_in(self) -> bool:
        """Whether it is there for one that is damaged."""
        return self.listed is not None and self.listed.fallback

    def take(self) -> None:
        """The next list comes."""
        self.office = self.office.next()
        made = ListFolder(self.data / "lists", KEY).prepare_whole(self.office.raw(), self.office.promised())
        self.listed = self.lists.take(made.path.relative_to(self.data).as_posix(), self.listed)

    def start_damaged(self) -> None:
        """It starts again, with the file of the list in force spoilt."""
        path = current_list(self.data / "lists")
        assert path is not None
        path.write_bytes(path.read_bytes()[:-1])
        self.listed = self.lists.first()


def test_a_list_that_is_damaged_is_not_put_in_force(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    gate.take()
    first = current_list(tmp_path / "lists")
    (tmp_path / "lists" / "half.ghl").write_bytes(b"GH")
    with pytest.raises(ListInvalid):
        gate.lists.take("lists/half.ghl", gate.listed)
    assert current_list(tmp_path / "lists") == first


def test_the_list_before_a_damaged_one_stands_in(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    gate.take()
    gate.take()
    newest = gate.version
    gate.start_damaged()
    assert (gate.version, gate.stands_in) == (newest - 1, True)


def test_a_list_that_stood_in_is_kept_as_the_one_before_and_not_the_damaged_one(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    gate.take()
    sound = gate.version
    gate.take()
    gate.start_damaged()
    gate.take()
    gate.start_damaged()
    assert (gate.version, gate.stands_in) == (sound, True)

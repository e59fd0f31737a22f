"""Facts about the list that the doors go by: opened whole or not at all, and the last sound one stands in."""

from collections.abc import Callable
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


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[10] ^= 0x80
    path.write_bytes(content)


def _cannot_be_read(path: Path) -> None:
    path.unlink()
    path.mkdir()  # as a disk does, it answers to a read with an error


@pytest.mark.parametrize("damage", [_flip, _cannot_be_read, lambda path: path.write_bytes(b"")])
def test_where_what_names_the_list_in_force_is_damaged_the_list_decides_on(
    tmp_path: Path, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    gate = Gate(tmp_path)
    gate.take()
    gate.take()
    newest = gate.version
    damage(tmp_path / "lists" / "current.json")
    gate.listed = gate.lists.first()
    assert (gate.version, gate.stands_in) == (newest, False)
    assert "current.json can't be read, its copy is gone by" in caplog.text
    assert ListFolder(tmp_path / "lists", KEY).in_force() == (0, newest), "nor is it asked for again"
    gate.start_damaged()
    assert (gate.version, gate.stands_in) == (newest - 1, True), "and it has one to fall back on"


def test_the_next_list_mends_what_names_it(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    gate.take()
    for name in ("current.json", "current.copy.json"):
        gate.take()
        _flip(tmp_path / "lists" / name)
        gate.take()
        newest = gate.version
        gate.listed = gate.lists.first()
        assert gate.version == newest


def test_without_the_first_a_copy_is_nobodys_word(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    gate.take()
    (tmp_path / "lists" / "current.json").unlink()
    assert gate.lists.first() is None


def test_a_copy_that_cannot_be_written_keeps_no_list_away(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate(tmp_path)
    (tmp_path / "lists" / "current.copy.json").mkdir(parents=True)
    gate.take()
    assert gate.version == ListFolder(tmp_path / "lists", KEY).version_in_force() > 0
    assert "current.copy.json can't be written" in caplog.text

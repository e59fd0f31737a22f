"""An office's ledger is copied while it runs, and put back after it was killed."""

import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from sync import wire
from sync.device_key import DeviceKey
from sync.office.__main__ import main
from sync.office.ledger import Ledger
from tests.sync.site import KEY, SITE, Office, a_client, a_list, say_hello

Said = pytest.CaptureFixture[str]


async def test_a_copy_that_is_put_back_over_a_killed_office_is_all_that_it_has_but_a_lost_box_stays_lost(
    tmp_path: Path, capsys: Said
) -> None:
    data, copy = tmp_path / "office", tmp_path / "copy.db"
    async with Office(data) as office:
        await office.admin("PUT", "list", a_list())
        assert isinstance(await _hello(office, KEY), wire.Welcome)
        assert main(["backup", str(copy), "--data", str(data)]) == 0
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        revoked = await office.admin("POST", "revocations", {"credentials": ["c-1", "c-2"]})
        await office.admin("POST", "credentials", a_list()["credentials"][1])
        token = (await office.admin("POST", "box-lost?by=Lin"))["token"]
        assert revoked["version"] == 2
        assert main(["restore", str(copy), "--data", str(data)]) == 2
        assert "stop that one first" in capsys.readouterr().err
        await office.kill()
        assert (data / "office.db-wal").stat().st_size
        assert main(["restore", str(copy), "--data", str(data)]) == 0
        said = capsys.readouterr().out
        assert f"site demo: the box {KEY.public[:16]}, lost " in said
        assert "site demo: revoked or taken out since, and good again: c-1: revoke them again" in said
        assert "site demo: the token that box-lost gave stays good, and no other" in said
        assert "its device's key" not in said, "a lost box's speaks for nobody"
        assert "site demo: its list was 3 of generation 0, and is 1 of generation 0 again" in said
        assert stat.S_IMODE((data / "office.db").stat().st_mode) == 0o600
        await office.start()
        assert (await office.summary())["list_version"] == 1
        assert (await office.ask("POST", f"/v1/sites/{SITE}/challenge")).status_code == 401, "the token of all"
        lost = await office.ask("POST", f"/v1/sites/{SITE}/challenge", token=token)
        assert (lost.status_code, lost.json()["error"]["code"]) == (403, "lost_device")
        assert (await office.ask("POST", f"/v1/sites/{SITE}/challenge", token=token, key=_NEXT)).status_code == 200
        with closing(sqlite3.connect(data / "office.db.replaced-1")) as before:
            assert before.execute("SELECT version FROM listing").fetchone() == (3,)


_NEXT = DeviceKey(b"n" * 32)


async def _hello(office: Office, key: DeviceKey) -> wire.Welcome | wire.Refusal:
    client = a_client(office.url, key=key)
    said = await say_hello(client)
    await client.close()
    return said


@pytest.mark.parametrize("torn", [False, True])
async def test_a_hello_that_was_recorded_before_the_copy_was_put_back_opens_nothing(tmp_path: Path, torn: bool) -> None:
    data, copy = tmp_path / "office", tmp_path / "copy.db"
    async with Office(data) as office:
        client = a_client(office.url)
        challenge = (await client.challenge()).challenge
        assert main(["backup", str(copy), "--data", str(data)]) == 0
        recorded = wire.Hello(1, "test", "boot", KEY.public, challenge, (), 0)
        assert isinstance(await client.hello(recorded), wire.Welcome)
        await office.kill()
        if torn:
            (data / "office.db").write_bytes(b"torn" * 5000)
        assert main(["restore", str(copy), "--data", str(data)]) == 0
        await office.start()
        again = await client.hello(recorded)
        assert isinstance(again, wire.Refusal)
        assert again.code == "challenge"
        assert isinstance(await say_hello(client), wire.Welcome)
        await client.close()


def test_a_token_that_a_site_was_given_since_stays_good_though_no_key_of_its_box_was_known(
    tmp_path: Path, capsys: Said
) -> None:
    data, first, second = _ledger(tmp_path / "office"), tmp_path / "first.db", tmp_path / "second.db"
    assert main(["backup", str(first), "--data", str(data)]) == 0
    earlier = _reported(data)
    assert main(["backup", str(second), "--data", str(data)]) == 0
    later = _reported(data)
    assert main(["restore", str(first), "--data", str(data)]) == 0
    assert "site demo: the token that box-lost gave stays good, and no other" in capsys.readouterr().out
    assert _is_good(data, later)
    assert main(["restore", str(second), "--data", str(data)]) == 0
    assert "site demo: its token was another: was a box lost since?" in capsys.readouterr().out
    assert _is_good(data, earlier), "which of the two is the later one nobody knows here"


def test_a_device_key_that_was_named_since_is_told(tmp_path: Path, capsys: Said) -> None:
    data, copy = _ledger(tmp_path / "office"), tmp_path / "copy.db"
    assert main(["backup", str(copy), "--data", str(data)]) == 0
    ledger = Ledger(data / "office.db")
    assert ledger.enrol(SITE, KEY.public)
    ledger.close()
    assert main(["restore", str(copy), "--data", str(data)]) == 0
    assert f"site demo: its device's key was {KEY.public}, and is none again" in capsys.readouterr().out


def _is_good(data: Path, token: str) -> bool | None:
    ledger = Ledger(data / "office.db")
    good = ledger.lost.has_token(SITE, token)
    ledger.close()
    return good


def _reported(data: Path) -> str:
    ledger = Ledger(data / "office.db")
    _, token = ledger.report_lost(SITE, "Lin")
    ledger.close()
    return token


def test_a_copy_is_put_back_though_the_ledger_of_before_cannot_be_read(tmp_path: Path, capsys: Said) -> None:
    data, copy = _ledger(tmp_path / "office"), tmp_path / "copy.db"
    assert main(["backup", str(copy), "--data", str(data)]) == 0
    (data / "office.db").write_bytes(b"torn" * 5000)
    (data / "office.db-wal").write_bytes(b"x" * 100)
    assert main(["restore", str(copy), "--data", str(data)]) == 0
    assert "report each box that was lost again" in capsys.readouterr().out
    assert not (data / "office.db-wal").exists()
    assert (data / "office.db.replaced-1").read_bytes() == b"torn" * 5000
    with closing(sqlite3.connect(data / "office.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def _torn(copy: Path) -> None:
    copy.write_bytes(copy.read_bytes()[:-4096])


def _another(copy: Path) -> None:
    copy.unlink()
    with closing(sqlite3.connect(copy)) as database:
        database.execute("CREATE TABLE x (y)")


def _copied_while_in_use(copy: Path) -> None:
    copy.with_name(copy.name + "-wal").touch()


@pytest.mark.parametrize("spoil", [_torn, _another, _copied_while_in_use, Path.unlink])
def test_what_is_no_whole_copy_is_not_put_back(tmp_path: Path, capsys: Said, spoil: Callable[[Path], None]) -> None:
    data, copy = _ledger(tmp_path / "office"), tmp_path / "copy.db"
    assert main(["backup", str(copy), "--data", str(data)]) == 0
    before = (data / "office.db").read_bytes()
    spoil(copy)
    assert main(["restore", str(copy), "--data", str(data)]) == 2
    assert str(copy) in capsys.readouterr().err
    assert (data / "office.db").read_bytes() == before


def test_a_copy_is_made_of_what_is_there_and_over_nothing(tmp_path: Path, capsys: Said) -> None:
    data, copy = _ledger(tmp_path / "office"), tmp_path / "copy.db"
    copy.touch()
    assert main(["backup", str(copy), "--data", str(data)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert main(["backup", str(tmp_path / "other.db"), "--data", str(tmp_path)]) == 2
    assert "--data names the office's folder" in capsys.readouterr().err


def _ledger(data: Path) -> Path:
    data.mkdir()
    ledger = Ledger(data / "office.db")
    ledger.add_site(SITE)
    ledger.close()
    return data

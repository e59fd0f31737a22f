"""The office's keys at a prompt: made, rotated with the root key from its drawer, and a manifest countersigned."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from sync import list_wire as lw
from sync.office.__main__ import main
from sync.office.signing import load_signer, public_hex, read_key, read_key_set, sign

MANIFEST = lw.Manifest("demo", 2, 14, 13, 5000, "ab" * 32, datetime(2026, 11, 25, 8, tzinfo=UTC), 1)


def test_gatehouse_has_the_words_of_the_offices_keys(tmp_path: Path) -> None:
    words = (sys.executable, "-m", "gateway.cli", "office", "keys", "make", str(tmp_path / "keys"))
    assert subprocess.run(words, check=False, capture_output=True, timeout=60).returncode == 0
    assert load_signer(tmp_path / "keys").key_epoch == 1


def test_keys_are_rotated_with_the_root_key_from_elsewhere(tmp_path: Path) -> None:
    keys, drawer = tmp_path / "keys", tmp_path / "drawer.key"
    assert main(["keys", "make", str(keys)]) == 0
    (keys / "office-root.key").rename(drawer)
    before = read_key_set(keys / "key-set.json")
    assert main(["keys", "rotate", str(keys), "--root-key", str(drawer)]) == 0
    after = load_signer(keys).keys
    assert after is not None
    assert after.key_epoch == 2
    assert not set(after.keys) & set(before.keys)
    assert not (keys / "office-root.key").exists()


def test_who_makes_or_rotates_keys_is_told_which_to_move_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys, drawer = tmp_path / "keys", tmp_path / "drawer.key"
    assert main(["keys", "make", str(keys)]) == 0
    root, yes = capsys.readouterr().err.splitlines()[1:]
    assert root.startswith(f"move {keys / 'office-root.key'} to its drawer: ")
    assert yes.startswith(f"move {keys / 'signing-2.key'} to the person who gives the second yes: ")
    (keys / "office-root.key").rename(drawer)
    assert main(["keys", "rotate", str(keys), "--root-key", str(drawer)]) == 0
    assert capsys.readouterr().err.splitlines() == [f"key set 2 with 2 keys lies in {keys}", yes]


@pytest.mark.parametrize("left", ["office-root.pub", "key-set.json", "signing-1.key", "signing-2.key"])
def test_keys_that_lie_in_a_folder_are_never_made_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], left: str
) -> None:
    keys = tmp_path / "keys"
    assert main(["keys", "make", str(keys)]) == 0
    for path in keys.iterdir():
        if path.name != left:
            path.unlink()
    before = (keys / left).read_bytes()
    assert main(["keys", "make", str(keys)]) == 2
    assert {path.name: path.read_bytes() for path in keys.iterdir()} == {left: before}
    said = capsys.readouterr().err
    assert left in said
    assert "rotate" in said


def test_an_office_warns_of_each_key_that_must_not_lie_with_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keys, token = tmp_path / "keys", tmp_path / "token"
    token.write_text("a-token-of-32-characters-or-more")
    token.chmod(0o600)
    assert main(["keys", "make", str(keys), "--people", "2"]) == 0
    wrong_input = [*("--data", str(tmp_path / "office"), "--token-file", str(token)), "--port", "0", "--site", "../x"]
    for named in (["office-root.key", "signing-2.key", "signing-3.key"], []):
        caplog.clear()
        assert main([*wrong_input, "--keys", str(keys)]) == 2
        warned = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
        assert [text.partition(" ")[0] for text in warned] == [str(keys / name) for name in named]
        for name in named:
            (keys / name).unlink()


@pytest.mark.parametrize("root", ["absent", "another", "its public half"])
def test_where_the_root_key_is_absent_or_another_the_keys_stay_as_they_were(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], root: str
) -> None:
    keys = tmp_path / "keys"
    assert main(["keys", "make", str(keys)]) == 0
    assert main(["keys", "make", str(tmp_path / "others")]) == 0
    (keys / "office-root.key").unlink()
    before = {path.name: path.read_bytes() for path in keys.iterdir()}
    given = {"another": tmp_path / "others" / "office-root.key", "its public half": keys / "office-root.pub"}
    words = ["--root-key", str(given[root])] if root in given else []
    assert main(["keys", "rotate", str(keys), *words]) == 2
    assert {path.name: path.read_bytes() for path in keys.iterdir()} == before
    said = capsys.readouterr().err
    remedy = {"absent": "--root-key", "another": "office-root.pub", "its public half": "is no private key"}
    assert remedy[root] in said


def test_who_countersigns_is_told_what_and_only_the_signature_is_for_the_machine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", "make", str(tmp_path / "keys")]) == 0
    capsys.readouterr()
    person, manifest = tmp_path / "keys" / "signing-2.key", tmp_path / "manifest.json"
    manifest.write_bytes(msgspec.json.encode(MANIFEST))
    assert main(["keys", "countersign", str(person), str(manifest)]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == msgspec.to_builtins(sign(read_key(person), MANIFEST))
    assert json.loads(said.out)["key"] == public_hex(read_key(person))
    for fact in ("site demo", "version 14", "generation 2", "5,000", "2026-11-25T08:00:00Z", "ab" * 8, "list_held"):
        assert fact in said.err

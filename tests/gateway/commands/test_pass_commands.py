"""`gatehouse pass`: keys and passes, by the command line."""

import json
import subprocess
import sys
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.cli import main
from gateway.commands.pass_commands import Wish, make_key, sign
from gateway.domain.credential import Pass
from gateway.errors import ConfigError
from gateway.store.access_list import MemoryAccessList, parse_list
from tests.gateway.commands.lists import WISHED_AT, a_compound, a_wish


@pytest.fixture
def key_path(tmp_path: Path) -> Path:
    path = tmp_path / "app.pem"
    make_key(path)
    return path


def public_key(key_path: Path) -> bytes:
    key = serialization.load_pem_private_key(key_path.read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    return key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def signed(path: Path, wish: Wish) -> str:
    """The text of the pass."""
    return sign(path, wish, WISHED_AT)


def opened(text: str, key_path: Path) -> Pass:
    """What a gate makes of the text."""
    entry = {"id": "app", "public_key": b64encode(public_key(key_path)).decode(), "levels": ["day"]}
    found = MemoryAccessList.from_document(parse_list(a_compound(pass_keys=[entry]))).open_pass(text)
    assert found is not None
    return found


def test_a_new_key_is_its_owners_alone_and_its_entry_fits_the_list(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "app.pem"
    assert main(["pass", "key", "--out", str(path)]) == 0
    assert path.stat().st_mode & 0o777 == 0o600
    said = capsys.readouterr()
    entry = json.loads(said.out)
    assert b64decode(entry["public_key"]) == public_key(path)
    assert "PRIVATE" not in said.out + said.err
    assert parse_list(a_compound(pass_keys=[entry])).pass_keys["app"].public_key == public_key(path)


def test_a_key_is_never_written_over_another_file(key_path: Path) -> None:
    before = key_path.read_bytes()
    with pytest.raises(ConfigError, match="is there already"):
        make_key(key_path)
    assert key_path.read_bytes() == before
    with pytest.raises(ConfigError, match="can't be written"):
        make_key(key_path / "below.pem")


def test_a_signed_pass_says_what_was_asked_for(key_path: Path) -> None:
    text = signed(key_path, a_wish(valid_from="2026-11-23T00:00:00+08:00", cardholder="p-5"))
    found = opened(text, key_path)
    assert (found.id, found.key, found.cardholder, found.levels) == ("v-1", "app", "p-5", ("day",))
    assert (found.valid_from, found.valid_until) == (
        datetime(2026, 11, 22, 16, 0, tzinfo=UTC),
        datetime(2026, 11, 23, 16, 0, tzinfo=UTC),
    )
    assert (found.uses, found.made_at) == (2, None)


def test_the_command_line_signs_counted_and_rotating_passes(key_path: Path) -> None:
    usual = ["--key", str(key_path), "--key-id", "app", "--id", "v-1", "--until", "2036-01-01T00:00:00Z"]
    for kind, rotating in ((["--uses", "3", "--level", "day"], False), (["--rotating"], True)):
        command = [sys.executable, "-m", "gateway.cli", "pass", "sign", *usual, *kind]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        found = opened(done.stdout.strip(), key_path)
        assert (found.made_at is not None) == rotating
        assert found.uses == (None if rotating else 3)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"until": "tomorrow"}, "--until"),
        ({"until": "2026-11-24T00:00:00"}, "--until"),
        ({"valid_from": "2026-11-25T00:00:00Z"}, "--until"),
        ({"until": "2026-11-23T12:00:00+08:00"}, "--until"),
        ({"uses": None, "made_at": "2026-11-24T00:00:00+08:00"}, "--until"),
        ({"valid_from": "soon"}, "--from"),
        ({"uses": 0}, "--uses"),
        ({"uses": 1001}, "--uses"),
        ({"uses": None}, "pass"),
        ({"made_at": "2026-11-23T00:00:00Z"}, "pass"),
        ({"uses": None, "made_at": "now"}, "--at"),
        ({"id": "two words"}, "--id"),
        ({"id": "app/v-1"}, "--id"),
        ({"key_id": ""}, "--key-id"),
        ({"cardholder": "x" * 65}, "--cardholder"),
        ({"levels": ("day", "\n")}, "--level"),
        ({"levels": tuple(f"a-long-name-for-a-level-{n}" for n in range(64))}, "pass"),
    ],
)
def test_a_pass_that_no_gate_would_take_is_refused_with_a_remedy(
    key_path: Path, changes: dict[str, Any], key: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        signed(key_path, a_wish(**changes))
    assert caught.value.key == key


def test_a_pass_made_as_if_then_may_be_over_by_now(key_path: Path) -> None:
    wish = a_wish(until="2026-11-22T00:01:00Z", uses=None, made_at="2026-11-22T00:00:00Z")
    assert opened(signed(key_path, wish), key_path).made_at == datetime(2026, 11, 22, tzinfo=UTC)


def test_the_command_line_signs_no_pass_that_is_over(key_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    usual = ["--key", str(key_path), "--key-id", "app", "--id", "v-1", "--uses", "1"]
    assert main(["pass", "sign", *usual, "--until", "2026-11-01T00:00:00Z"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "--until" in said.err
    assert "2026-11-01T00:00:00Z" in said.err
    assert "is over already" in said.err


def test_a_key_file_that_others_can_read_or_that_holds_no_such_key_is_refused(key_path: Path) -> None:
    key_path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600") as refused:
        signed(key_path, a_wish())
    assert str(refused.value).startswith(f"--key = '{key_path}': is readable by others (mode 644)")
    key_path.chmod(0o600)
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for content in (b"rubbish", b"", other):
        key_path.write_bytes(content)
        with pytest.raises(ConfigError, match="no Ed25519 private key"):
            signed(key_path, a_wish())
    with pytest.raises(ConfigError, match="can't be read"):
        signed(key_path.with_name("none.pem"), a_wish())

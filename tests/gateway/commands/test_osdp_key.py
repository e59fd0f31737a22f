"""`gatehouse osdp set-key` against a simulated reader in a process of its own."""

import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.paths import Paths
from tests.waiting import wait_until

SITE = """
schema = 1
[site]
id = "s"
name = { "zh-CN" = "小区", en = "Site" }
zone = "Asia/Shanghai"
[device.bus]
driver = "osdp-bus"
port = "port"
baud = 115200
[device.r1]
driver = "osdp-reader"
bus = "bus"
address = 1
key = "file:secrets/r1.scbk"
[device.r2]
driver = "osdp-reader"
bus = "bus"
address = 2
insecure = true
"""
OTHER_KEY = "ffeeddccbbaa99887766554433221100"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")
    (tmp_path / "secrets").mkdir(mode=0o700)
    return tmp_path


@pytest.fixture
def readers(request: pytest.FixtureRequest, data: Path) -> Iterator[None]:
    words = [sys.executable, "-m", "simulators.osdp_reader", str(data / "port"), "--baud", "115200", *request.param]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        wait_until((data / "port").exists)
        yield
        process.terminate()


def set_key(data: Path, *words: str, device: str = "r1") -> int:
    return main(["osdp", "set-key", device, "--config", str(data / "site.toml"), "--data", str(data), *words])


def secret(data: Path) -> Path:
    return data / "secrets" / "r1.scbk"


def with_readers(*words: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("readers", [words], indirect=True, ids=[""])


@with_readers("1:install")
def test_a_new_reader_gets_a_key_that_is_proven_and_kept_for_its_owner_alone(
    data: Path, readers: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert set_key(data) == 0
    key = secret(data).read_text(encoding="ascii").strip()
    assert len(bytes.fromhex(key)) == 16
    assert stat.S_IMODE(secret(data).stat().st_mode) == 0o600
    assert list((data / "secrets").iterdir()) == [secret(data)]
    said = capsys.readouterr()
    assert key not in said.err + said.out
    assert "connected to with it" in said.err


@with_readers("1:install")
def test_a_key_is_replaced_by_its_own_channel_and_only_when_asked(
    data: Path, readers: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert set_key(data) == 0
    first = secret(data).read_text(encoding="ascii")
    assert set_key(data) == 2
    assert "--replace" in capsys.readouterr().err
    assert secret(data).read_text(encoding="ascii") == first
    assert set_key(data, "--replace") == 0
    assert secret(data).read_text(encoding="ascii") != first
    assert set_key(data, "--replace") == 0, "the reader holds the second key"


@with_readers(f"1:{OTHER_KEY}")
def test_a_reader_that_has_another_key_is_left_alone(
    data: Path, readers: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert set_key(data) == 1
    assert "install mode" in capsys.readouterr().err
    assert not secret(data).exists()


@with_readers("3:install")
def test_a_reader_that_is_not_there_gets_no_key(data: Path, readers: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert set_key(data) == 1
    assert "does not answer" in capsys.readouterr().err


@with_readers(f"1:{OTHER_KEY}")
def test_a_key_that_was_given_and_not_proven_is_not_lost(data: Path, readers: None) -> None:
    """The box lost power after the reader had taken its key: the reader opens to nothing else any more."""
    pending = secret(data).with_name("r1.scbk.new")
    pending.write_text(OTHER_KEY, encoding="ascii")
    pending.chmod(0o600)
    assert set_key(data) == 0
    assert secret(data).read_text(encoding="ascii") == OTHER_KEY
    assert not pending.exists()


def test_while_a_gateway_runs_the_line_is_not_touched(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = Paths(data / "site.toml", data)
    paths.prepare()
    with paths.lock("doors"):
        assert set_key(data) == 2
    assert "stop that one" in capsys.readouterr().err


@pytest.mark.parametrize(("device", "said"), [("r2", "insecure"), ("bus", "no OSDP reader"), ("r9", "r1, r2")])
def test_what_can_have_no_key_is_refused(
    data: Path, device: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert set_key(data, device=device) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("reference", "said"), [("env:KEY", "is not written"), ("file:../x.scbk", "is no folder of the site's data")]
)
def test_a_key_that_would_lie_elsewhere_is_refused(
    data: Path, reference: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = data / "site.toml"
    config.write_text(SITE.replace("file:secrets/r1.scbk", reference), encoding="utf-8")
    assert set_key(data) == 2
    assert said in capsys.readouterr().err

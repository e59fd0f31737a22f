"""Whose config and whose data a command works on: one rule, and never another site's."""

from pathlib import Path

import pytest

from gateway.cli import main
from gateway.errors import ConfigError
from gateway.technician.place import Place, find_place
from gateway.technician.walk_commands import start_walk
from gateway.technician.walk_file import NAME
from tests.gateway.commands.recorded_day import RecordedDay, site_toml


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("demo", "lane", "other"):
        (tmp_path / "data" / name).mkdir(parents=True)
        (tmp_path / "data" / name / "site.toml").write_text(site_named(name), encoding="utf-8")
    (tmp_path / "lane.toml").write_text(site_named("lane"), encoding="utf-8")
    return tmp_path


def site_named(name: str) -> str:
    return site_toml().replace('id = "demo"', f'id = "{name}"')


def test_without_a_word_it_is_the_demos(here: Path) -> None:
    data = here / "data" / "demo"
    assert find_place(None, None, None) == Place(data / "site.toml", data)


def test_config_alone_names_its_own_data_directory_as_for_a_run(here: Path) -> None:
    lane = Path("lane.toml")
    assert find_place(lane, None, None) == Place(lane, here / "data" / "lane")


def test_data_goes_before_the_environment_and_that_before_the_sites_id(here: Path) -> None:
    lane, other = here / "data" / "lane", here / "data" / "other"
    assert find_place(None, lane, str(other)).data == lane
    assert find_place(None, None, str(other)) == Place(other / "site.toml", other)
    (empty := here / "empty").mkdir()
    assert find_place(Path("lane.toml"), None, str(empty)) == Place(Path("lane.toml"), empty)


@pytest.mark.parametrize(("given", "environment"), [(Path("data/other"), None), (None, "data/other")])
def test_directory_with_another_sites_config_in_it_is_refused(given: Path | None, environment: str | None) -> None:
    with pytest.raises(ConfigError, match=r"site 'other' \(site\.toml\).*site 'lane'"):
        find_place(Path("lane.toml"), given, environment)


def test_directory_with_another_sites_list_is_refused(here: Path) -> None:
    day = RecordedDay(here / "day")
    (day.data / "site.toml").unlink()
    with pytest.raises(ConfigError, match=r"site 'demo' \(its list in force\).*site 'lane'"):
        find_place(Path("lane.toml"), day.data, None)
    (day.data / "site.toml").write_text(site_named("lane"), encoding="utf-8")
    with pytest.raises(ConfigError, match="site 'demo'"):
        find_place(None, day.data, None)


def test_directory_with_another_sites_walk_test_is_refused(here: Path) -> None:
    data = here / "data" / "other"
    start_walk(Place(data / "site.toml", data), "Li Wei")
    (data / "site.toml").unlink()
    with pytest.raises(ConfigError, match=r"site 'other' \(its walk test\).*site 'lane'"):
        find_place(Path("lane.toml"), data, None)


@pytest.mark.parametrize("words", [("run",), ("osdp", "set-key", "gate-in")])
def test_no_command_that_works_on_a_site_takes_another_sites_data(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--config", "lane.toml", "--data", "data/other"]) == 2
    said = capsys.readouterr().err
    assert "'other'" in said
    assert "'lane'" in said


@pytest.mark.parametrize("by_word", [True, False])
def test_check_refuses_another_sites_data_before_it_warns_of_anything(
    by_word: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if not by_word:
        monkeypatch.setenv("GATEHOUSE_DATA", "data/other")
    assert main(["check", "lane.toml", *(["--data", "data/other"] if by_word else [])]) == 2
    said = capsys.readouterr().err
    assert "holds data of the site 'other' (site.toml), and" in said
    assert "warning" not in said


def test_what_is_not_there_is_named(here: Path) -> None:
    with pytest.raises(ConfigError, match=r"nosuch.*no such directory"):
        find_place(None, here / "nosuch", None)
    with pytest.raises(ConfigError, match=r"nosuch\.toml.*can't be read"):
        find_place(Path("nosuch.toml"), here / "data" / "lane", None)
    (here / "half.toml").write_text(site_named("half"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"half.*no such directory"):
        find_place(Path("half.toml"), None, None)


def test_damaged_walk_test_stands_in_nobodys_way(here: Path) -> None:
    data = here / "data" / "lane"
    (data / NAME).write_bytes(b"{")
    assert find_place(None, data, None).data == data

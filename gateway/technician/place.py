"""Where a site's config and data lie, by one rule for every command; another site's data is never worked on."""

import tomllib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from config.loader import load_config
from gateway.errors import ConfigError, ListInvalid
from gateway.paths import Paths
from gateway.processes import data_dir_for
from gateway.store.access_list import CompiledAccessList, open_list
from gateway.store.journal_reader import SqliteJournalReader
from gateway.store.list_folder import current_list
from gateway.store.site_key import load_site_key
from gateway.technician.walk_file import read_walk

DEMO = "demo"


@dataclass(frozen=True, slots=True)
class Place:
    """A site's config and data directory."""

    config: Path
    data: Path

    def journal(self) -> SqliteJournalReader:
        """Its journal, for reading."""
        return SqliteJournalReader(self.data / "journal.db")

    def list_in_force(self) -> CompiledAccessList | None:
        """The list that decides there; None without a usable one."""
        paths = Paths(self.config, self.data)
        path = current_list(paths.lists) if (paths.secrets / "site-key").exists() else None
        try:
            return None if path is None else open_list(path, load_site_key(paths.secrets))
        except ListInvalid:
            return None


def find_place(config: Path | None, data: Path | None, environment: str | None) -> Place:
    """The data directory is `data`, else the `environment`'s, else data/<site id> of `config`, else data/demo.

    The config is `config`, else site.toml in the data directory. Raises ConfigError: either is not there, or the
    directory holds another site's data.
    """
    site = DEMO if config is None else load_config(config).site.id
    found = data_dir_for(site, data, environment)
    if not found.is_dir():
        raise ConfigError("--data", str(found), "there is no such directory: make it, or name the site's own")
    place = Place(config or found / "site.toml", found)
    refuse_other_site(place, site if config is not None else load_config(place.config).site.id)
    return place


def refuse_other_site(place: Place, site: str) -> None:
    """Raises ConfigError when the directory holds data of another site than `site`, its config's id."""
    for where, other in _named_in(place):
        if other != site:
            remedy = f"holds data of the site {other!r} ({where}), and {place.config} is the site {site!r}"
            raise ConfigError("--data", str(place.data), f"{remedy}: name the data directory or the --config that fits")


def _named_in(place: Place) -> Iterator[tuple[str, str]]:
    """(what says so, site id): whose data it is."""
    if place.config.absolute() != (beside := place.data / "site.toml").absolute() and (named := _id_in(beside)):
        yield "site.toml", named
    listed = place.list_in_force()
    if listed is not None:
        yield "its list in force", listed.site
    with suppress(ConfigError):  # A damaged walk test says nothing, and is begun anew.
        walk = read_walk(place.data)
        if walk is not None and walk.site:
            yield "its walk test", walk.site


def _id_in(path: Path) -> str:
    """The site's id in that file, which may be half written; empty where it has none."""
    try:
        return str(tomllib.loads(path.read_text(encoding="utf-8"))["site"]["id"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""

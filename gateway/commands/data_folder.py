"""A site's data directory as a person looks into it: the gateway may run on it or not; nothing in it is changed."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from config.loader import SiteConfig, load_config
from gateway.console.office_list import OfficeList
from gateway.console.parts import SiteNames
from gateway.console.site_names import site_names
from gateway.domain.register import facts_of_person
from gateway.errors import ConfigError, ListInvalid
from gateway.paths import Paths
from gateway.store.access_list import CompiledAccessList, open_list
from gateway.store.journal_reader import SqliteJournalReader
from gateway.store.list_folder import current_list
from gateway.store.site_key import load_site_key


class DataFolder:
    """What lies in the directory. `site_path`: the site's config, which `site.toml` beside the data stands in for.

    Raises ConfigError where there is no journal.
    """

    def __init__(self, data: Path, site_path: Path | None = None) -> None:
        self.path = data
        beside = data / "site.toml"
        found = site_path or (beside if beside.exists() else None)
        self._paths = Paths(beside if found is None else found, data)
        self.config: SiteConfig | None = None if found is None else load_config(found)
        if not self._paths.journal.exists():
            raise ConfigError("--data", str(data), "holds no journal: name a site's data directory")
        self._key_path = self._paths.secrets / "site-key"
        self.journal = SqliteJournalReader(self._paths.journal)

    def site_key(self) -> bytes:
        """The key that its keyed hashes were made with. Raises ConfigError where there is none."""
        if not self._key_path.exists():  # It would be made.
            raise ConfigError("--data", str(self.path), "has no secrets/site-key: restore it from the backup")
        return load_site_key(self._paths.secrets)

    def list_in_force(self) -> CompiledAccessList | None:
        """The list that decides here, None while there is none. Raises ConfigError for a damaged one."""
        path = current_list(self._paths.lists)
        if path is None:
            return None
        try:
            return open_list(path, self.site_key())
        except ListInvalid as error:
            raise ConfigError("--data", str(self.path), f"its list can't be used: {error}") from error

    @property
    def lists_are_closed(self) -> bool:
        """Lists lie here, and without the site key none of them can be opened."""
        return not self._key_path.exists() and any(self._paths.lists.glob("list-*"))

    def lists_naming(self, person: str) -> list[Path]:
        """The files under lists/ that hold a cardholder's id; also those that can't be opened, and so may."""
        return [path for path, opened in self._lists() if opened is None or _names(opened, person)]

    def credentials_of(self, person: str) -> tuple[str, ...]:
        """Credentials that events give to a cardholder, and those of theirs that any list here has.

        One that only a list of before gives them, and the list in force gives to another, is no longer theirs.
        """
        found, listed, in_force = dict.fromkeys(self.journal.credentials_of(person)), [], None
        for path, opened in self._lists():
            if opened is not None and opened.cardholder(person) is not None:
                listed += [each.id for each in opened.each_credential() if each.cardholder == person]
            if path == current_list(self._paths.lists):
                in_force = opened
        for credential in listed:
            now = None if in_force is None else in_force.credential_by_id(credential)
            if now is None or now.cardholder == person:
                found[credential] = None
        return tuple(found)

    def knows(self, person: str) -> bool:
        """Does an event, a list that can be opened, or what is remembered have somebody of this id?"""
        if self.journal.search(subject=f"cardholder:{person}", limit=1):
            return True
        remembered = set(facts_of_person(person, ()))
        if any((fact.kind, fact.key) in remembered for fact in self.journal.facts()):
            return True
        return any(opened is not None and _names(opened, person) for _, opened in self._lists())

    def _lists(self) -> Iterator[tuple[Path, CompiledAccessList | None]]:
        """Each list that lies here; None: it can't be opened, it is damaged or there is no key."""
        has_key = self._key_path.exists()
        for path in sorted(self._paths.lists.glob("list-*")):
            try:
                yield path, open_list(path, self.site_key()) if has_key else None
            except ListInvalid:
                if path.exists():  # else the gateway has just removed it
                    yield path, None

    def office_list(self) -> OfficeList | None:
        """What the list in force says of people; None where there is none, or no key to open it."""
        can_open = self._key_path.exists() and current_list(self._paths.lists) is not None
        return OfficeList(self._paths.lists, self._paths.secrets) if can_open else None

    def site_names(self) -> SiteNames:
        """The names of the site's things; without a config they go by their ids, and the clock is the list's or UTC."""
        return SiteNames(id="", zone=self._listed_zone()) if self.config is None else site_names(self.config)

    def _listed_zone(self) -> str:
        if self._key_path.exists():
            with suppress(ConfigError):
                found = self.list_in_force()
                return "UTC" if found is None else found.zone.key
        return "UTC"


def _names(opened: CompiledAccessList, person: str) -> bool:
    """Does a list's file hold this id? A file of changes holds also who was taken out."""
    return opened.cardholder(person) is not None or person in opened.changed_cardholders

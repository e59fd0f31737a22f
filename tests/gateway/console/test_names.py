"""What the page calls things: by the site's names, and by the office's list in force."""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from config.loader import parse_config
from gateway.console.messages import Catalogue
from gateway.console.office_list import LABELS_MAX, OfficeList
from gateway.console.parts import SiteNames
from gateway.console.site_names import site_names
from gateway.console.thing_words import ThingWords
from gateway.store.list_folder import ListFolder, set_current
from gateway.store.site_key import load_site_key
from tests.config.test_loader import DEMO
from tests.gateway.store.sample_lists import sample_list


def test_an_access_point_goes_by_its_door_and_one_of_several_also_by_its_id() -> None:
    names = SiteNames(
        id="x",
        zone="UTC",
        doors={"north": {"en": "North gate"}, "yard": {"en": "Yard"}},
        areas={"north": {"en": "The north side"}},
        point_doors={"in": "north", "out": "north", "yard": "yard", "lift": None},
    )
    assert [names.named(point, "en", "access_point") for point in ("in", "out", "yard", "lift")] == [
        "North gate (in)",
        "North gate (out)",
        "Yard",
        "lift",
    ]
    assert names.named("north", "en", "area") == "The north side"
    assert names.named("yard", "en", "area") == "yard"


def test_an_area_goes_by_the_name_that_the_site_gives_it_or_by_its_id() -> None:
    more = '\n[area."东区"]\nname = { zh-CN = "东区", en = "East side" }\n'
    names = site_names(parse_config((DEMO + more).encode()))
    words = ThingWords(Catalogue(), Sources(names))
    assert [words.area(area, "zh-CN") for area in ("grounds", "yard", "东区")] == ["小区内", "内院", "东区"]
    assert [words.area(area, "en") for area in ("grounds", "cellar", None)] == ["the grounds", "area cellar", "outside"]


@dataclass(frozen=True)
class Sources:
    """Names of the site alone."""

    site: SiteNames
    card_label: Callable[[str], str] = str
    holder_kind: Callable[[str], str] = str
    holder_label: Callable[[str], str] = str


class Lists:
    """A data directory whose list in force changes."""

    def __init__(self, folder: Path) -> None:
        self.lists, self.secrets = folder / "lists", folder / "secrets"
        self.lists.mkdir()

    def put_in_force(self, raw: dict[str, Any]) -> None:
        folder = ListFolder(self.lists, load_site_key(self.secrets))
        set_current(self.lists, folder.prepare(json.dumps(raw).encode(), "demo", 0))


@pytest.fixture
def lists(tmp_path: Path) -> Lists:
    return Lists(tmp_path)


def test_a_label_is_found_by_a_part_of_it_and_never_more_than_are_read(lists: Lists) -> None:
    office = OfficeList(lists.lists, lists.secrets)
    assert office.find_labels("蓝卡") == ()
    raw = sample_list()
    holder = raw["credentials"][1]["cardholder"]
    raw["credentials"] += [
        {"id": f"n-{n}", "cardholder": holder, "format": "EM4100", "number": 70_000 + n, "label": f"New {n}"}
        for n in range(LABELS_MAX + 5)
    ]
    lists.put_in_force(raw)
    assert [each.credential for each in office.find_labels("蓝卡 1")][:1] == ["c-1"]
    found = office.find_labels("nEW")
    assert (len(found), found[0].label, found[0].cardholder) == (LABELS_MAX, "New 0", holder)
    assert office.find_labels("nowhere") == []


def test_labels_kinds_and_limits_are_those_of_the_list_in_force(lists: Lists) -> None:
    office = OfficeList(lists.lists, lists.secrets)
    assert (office.card_label("c-1"), office.holder_kind("p-1"), office.holder_label("p-1")) == ("", "", "")
    assert office.area_limits() == {}
    lists.put_in_force(sample_list())
    assert (office.card_label("c-1"), office.card_label("c-9")) == ("蓝卡 1", "")
    assert (office.holder_kind("p-1"), office.holder_kind("p-9")) == ("resident", "")
    assert (office.holder_label("p-1"), office.holder_label("p-9")) == ("蓝卡 1", "")
    raw = sample_list(version=8)
    raw["credentials"][1]["label"] = "新卡 1"
    raw["areas"] = [{"id": "garage", "max_occupancy": 50}, {"id": "garden"}]
    lists.put_in_force(raw)
    assert (office.card_label("c-1"), office.holder_label("p-1")) == ("新卡 1", "新卡 1")
    assert office.area_limits() == {"garage": 50, "garden": None}


def test_a_list_that_cant_be_opened_leaves_the_names_of_the_one_before(
    lists: Lists, caplog: pytest.LogCaptureFixture
) -> None:
    office = OfficeList(lists.lists, lists.secrets)
    lists.put_in_force(sample_list())
    assert office.card_label("c-1") == "蓝卡 1"
    lists.put_in_force(sample_list(version=8))
    pointer = msgspec.json.decode((lists.lists / "current.json").read_bytes())
    (lists.lists / pointer["path"]).write_bytes(b"nothing of a list")
    with caplog.at_level(logging.WARNING):
        assert [office.card_label("c-1") for _ in range(3)] == ["蓝卡 1"] * 3
    assert len(caplog.records) == 1

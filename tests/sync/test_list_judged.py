"""The office takes no list that its gateways would not take, and says every fault by its path."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import ListInvalid
from gateway.store.list_document import parse_list
from sync.office.__main__ import main
from sync.office.lists import GivesBack
from tests.sync.site import SITE, TOKEN, Office, a_list

CARD = {"id": "c-9", "cardholder": "p-1", "format": "EM4100", "number": 9}
PASS_KEY = {"id": "k-1", "public_key": "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "cardholder": "p-2"}


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with Office(tmp_path) as running:
        await running.admin("PUT", "list", a_list())
        yield running


async def _refused(office: Office, method: str, path: str, body: Any = None) -> list[str]:
    answer = await office.ask(method, f"/admin/v1/sites/{SITE}/{path}", body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unsound"), answer.text
    assert (await office.admin("GET", "list"))["version"] == 1
    return list(answer.json()["error"]["faults"])


async def test_a_list_without_sense_is_refused_with_all_that_the_gateway_would_say(office: Office) -> None:
    nowhere = [{"id": f"p-{n}", "levels": [{"level": "nowhere"}], "shoe": 44} for n in range(40)]
    document = a_list(zone="Mars/Base", cardholders=nowhere)
    with pytest.raises(ListInvalid) as gateway:
        parse_list(document)
    told = await _refused(office, "PUT", "list", document)
    assert told == list(gateway.value.faults)
    assert "$.zone: 'Mars/Base' is no IANA time zone, such as Asia/Shanghai" in told
    assert len(told) > 40


async def test_another_sites_list_and_one_with_parts_missing_are_refused(office: Office) -> None:
    assert "$.site: must be 'demo'" in await _refused(office, "PUT", "list", a_list(site="other"))
    assert await _refused(office, "PUT", "list", {"schema": 1, "site": SITE, "zone": "UTC"}) == [
        f"$.{part}: is missing" for part in ("schedules", "access_points", "levels", "cardholders", "credentials")
    ]


ENTRIES = (
    ("credentials", CARD | {"cardholder": "p-77"}, "$.credentials[0].cardholder: no cardholder 'p-77'"),
    ("credentials", [CARD, CARD | {"id": "c-8"}], "$.credentials[1]: is the same card as $.credentials[0]"),
    ("credentials", CARD | {"number": 22}, "$.credentials[0]: is the same card as 'c-2'"),
    ("credentials", CARD | {"valid_from": "soon"}, "$.credentials[0].valid_from"),
    ("credentials", {"id": "c-9"}, "$.credentials[0].cardholder: is missing"),
    ("credentials", ["c-9"], "$.credentials[0]: must be object"),
    ("cardholders", {"id": "p-9", "levels": [{"level": "nowhere"}]}, "$.cardholders[0].levels[0].level: no level"),
    ("cardholders", {"kind": "resident"}, "$.cardholders[0].id: is missing"),
    ("cardholders", [{"id": "p-9"}, {"id": "p-9"}], "$.cardholders[1].id: 'p-9' is there twice"),
)


async def test_an_entry_is_judged_with_the_list_around_it(office: Office) -> None:
    for part, body, words in ENTRIES:
        (told,) = await _refused(office, "POST", part, body)
        assert told.startswith(words), told


async def test_an_entry_may_take_its_own_place_and_cards_that_only_look_alike_are_two(office: Office) -> None:
    await office.admin("POST", "credentials", {"id": "c-2", "cardholder": "p-1", "format": "EM4100", "number": 22})
    await office.admin("POST", "credentials", CARD | {"format": "H10301", "facility_code": 7, "number": 22})
    await office.admin("POST", "cardholders", {"id": "p-9", "levels": [{"level": "residents"}]})
    assert (await office.admin("GET", "list"))["version"] == 4


async def test_cards_known_by_their_keys_are_told_from_each_other_too(office: Office) -> None:
    keyed = {"id": "c-7", "cardholder": "p-1", "key": "0" * 32}
    await office.admin("PUT", "list", a_list(credentials=[keyed]))
    answer = await office.ask("POST", f"/admin/v1/sites/{SITE}/credentials", keyed | {"id": "c-8"})
    assert answer.json()["error"]["faults"] == ["$.credentials[0]: is the same card as 'c-7'"]


async def test_the_longest_numbers_and_plates_are_told_from_each_other(office: Office) -> None:
    tags = [CARD | {"id": f"t-{n}", "format": "EPC128", "number": 2**127 + n} for n in range(2)]
    plate = CARD | {"id": "v-1", "format": "PLATE", "number": "粤B12345"}
    await office.admin("POST", "credentials", [*tags, plate])
    for one in (tags[1], plate):
        answer = await office.ask("POST", f"/admin/v1/sites/{SITE}/credentials", one | {"id": "more"})
        assert answer.json()["error"]["faults"] == [f"$.credentials[0]: is the same card as {one['id']!r}"]


async def test_somebody_whom_a_pass_key_names_is_not_taken_out(office: Office) -> None:
    await office.admin("PUT", "list", a_list(pass_keys=[PASS_KEY]))
    answer = await office.ask("DELETE", f"/admin/v1/sites/{SITE}/cardholders/p-2")
    assert answer.json()["error"]["faults"][0].startswith("$.pass_keys[0].cardholder")
    await office.admin("DELETE", "cardholders/p-1")


def test_an_office_does_not_start_with_a_first_list_without_sense(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token, first = tmp_path / "token", tmp_path / "LIST.json"
    token.write_text(TOKEN)
    token.chmod(0o600)
    first.write_text('{"schema": 1, "site": "demo", "version": "newest"}')
    base = ["--data", str(tmp_path / "d"), "--port", "0", "--token-file", str(token)]
    assert main([*base, "--site", SITE, "--list", str(first)]) == 2
    assert "$.version: must be integer" in capsys.readouterr().err


async def test_an_older_list_gives_no_revoked_card_back_unless_that_is_said(office: Office) -> None:
    await office.admin("POST", "revocations", {"credentials": ["c-1"], "state": "lost"})
    await office.admin("DELETE", "credentials/c-2")
    path = f"/admin/v1/sites/{SITE}/list"
    answer = await office.ask("PUT", path, a_list())
    told = answer.json()["error"]
    assert (answer.status_code, told["code"]) == (409, "gives_back")
    assert "2 revoked credentials: c-1, c-2" in told["text"]
    assert "?give_back=true" in told["text"]
    kept = await office.admin("GET", "list")
    assert (kept["version"], [card["state"] for card in kept["credentials"]]) == (3, ["lost"])
    await office.admin("PUT", "list", kept | {"zone": "Europe/Berlin"})
    await office.admin("PUT", "list?give_back=true", a_list())
    assert len((await office.admin("GET", "list"))["credentials"]) == 2
    await office.admin("PUT", "list", a_list())


async def test_a_revoked_card_that_was_put_back_by_itself_is_no_question_any_more(office: Office) -> None:
    await office.admin("POST", "revocations", {"credentials": ["c-1"]})
    await office.admin("POST", "credentials", a_list()["credentials"][0])
    await office.admin("PUT", "list", a_list())


def test_an_error_names_so_many_credentials_as_it_holds() -> None:
    text = str(GivesBack(["c" * 64] * 500))
    assert len(text) < 2000
    assert "and 480 more" in text

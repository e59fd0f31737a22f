"""The compiled list: it answers as the parsed one, holds no digits, and is refused when anything is wrong with it."""

import hmac
import json
import struct
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.domain.credential import Identifier
from gateway.domain.listed import AccessList
from gateway.errors import ListInvalid
from gateway.store.access_list import (
    CompiledAccessList,
    CompiledFile,
    MemoryAccessList,
    compile_list,
    lookup_key,
    open_list,
    parse_list,
)
from gateway.store.list_folder import ListFolder, current_list, previous_list, set_current
from gateway.store.passes import sign_pass
from gateway.store.site_key import load_site_key
from tests.gateway.store.random_documents import IDENTIFIERS, documents
from tests.gateway.store.sample_lists import OFFICE_KEY, full_list, sample_list

KEY = b"\x07" * 32
LAYOUT_DIGEST = "b252a5f9d30910eb3c20b9fdaafc075432bd958372919f44ee95cb71a856722e"
CARD = Identifier("H10301", 100, 1)


def _opened(raw: dict[str, Any], folder: Path) -> CompiledAccessList:
    return open_list(compile_list(parse_list(raw), KEY, folder).path, KEY)


def _compiled(folder: Path, cards: int = 300) -> CompiledFile:
    return compile_list(parse_list(sample_list(cards)), KEY, folder)


def _assert_alike(opened: CompiledAccessList, memory: MemoryAccessList, raw: dict[str, Any]) -> None:
    """Every look-up, of what is there and of what isn't."""
    assert (opened.version, opened.zone, opened.issued_at) == (memory.version, memory.zone, memory.issued_at)
    keys = [opened.key(identifier) for identifier in IDENTIFIERS]
    assert keys == [memory.key(identifier) for identifier in IDENTIFIERS]
    keys += [item["key"] for item in raw["credentials"] if "key" in item]
    for key in (*keys, "", "x" * 32, "00" * 16, "ff" * 16, "00" * 8):
        assert opened.credential(key) == memory.credential(key)
    ids = {"", "x"} | {item["id"] for part in raw.values() if isinstance(part, list) for item in part}
    for id_, name in product(ids, ("credential_by_id", "cardholder", "level", "schedule", "access_point", "area")):
        assert getattr(opened, name)(id_) == getattr(memory, name)(id_)
    assert list(opened.areas()) == list(memory.areas())
    assert opened.access_points() == memory.access_points()
    assert {c.id for c in opened.each_credential()} == {item["id"] for item in raw["credentials"]}
    assert opened.credentials == len(raw["credentials"])


@given(documents())
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_compiled_list_answers_as_the_parsed_one(tmp_path_factory: pytest.TempPathFactory, raw: dict[str, Any]) -> None:
    folder, document = tmp_path_factory.mktemp("lists"), parse_list(raw)
    _assert_alike(open_list(compile_list(document, KEY, folder).path, KEY), MemoryAccessList(document, KEY), raw)


@pytest.mark.parametrize("number", [0xE28068940000502C6FE618BB, 2**96 - 1, 2**128 - 1])
def test_long_number_names_its_card_to_the_last_bit(tmp_path: Path, number: int) -> None:
    """A UHF tag's EPC is longer than any integer of a machine."""
    raw = sample_list(4)
    raw["credentials"].append({"id": "tag", "cardholder": "p-0", "format": "EPC96", "number": number})
    opened = open_list(compile_list(parse_list(json.dumps(raw).encode()), KEY, tmp_path).path, KEY)
    found = [opened.credential(opened.key(Identifier("EPC96", None, each))) for each in (number, number - 1)]
    assert [each and each.id for each in found] == ["tag", None]


def test_list_that_says_everything_says_it_compiled(tmp_path: Path) -> None:
    raw = full_list()
    document = parse_list(raw)
    compiled = compile_list(document, KEY, tmp_path)
    opened, memory = open_list(compiled.path, KEY), MemoryAccessList.from_document(document, KEY)
    _assert_alike(opened, memory, raw)
    assert (opened.site, opened.digest, opened.credentials) == ("demo", compiled.digest, 8)
    credential, cardholder = opened.credential(opened.key(CARD)), opened.cardholder("p-2")
    assert credential is not None
    assert (credential.state, credential.uses, credential.uses_per_day) == ("suspended", 10, 2)
    assert (credential.grade, credential.pin) == ("secure", opened.pin_key("c-1", "246813579024"))
    assert cardholder is not None
    assert cardholder.risk is not None
    assert (cardholder.risk.level, cardholder.groups, cardholder.special_care) == (2, ("board",), True)
    text = sign_pass(OFFICE_KEY, {"key": "office", "id": "v-1", "until": "2027-01-01T00:00:00Z", "uses": 1})
    assert opened.open_pass(text) == memory.open_pass(text) is not None


def test_list_without_anything_is_a_list(tmp_path: Path) -> None:
    raw = sample_list(0) | {"schedules": [], "access_points": [], "levels": []}
    opened = _opened(raw, tmp_path)
    assert opened.credential(opened.key(CARD)) is None
    assert list(opened.each_credential()) == []


def test_keys_are_the_specified_hashes(tmp_path: Path) -> None:
    opened = _opened(full_list(), tmp_path)
    for text, found in (
        (b"H10301:100:1", bytes.fromhex(opened.key(CARD))),
        (b"EM4100::15517587", lookup_key(KEY, Identifier("EM4100", None, 15517587))),
        ("PLATE::京A12345".encode(), bytes.fromhex(opened.key(Identifier("PLATE", None, "京A12345")))),
        (b"PIN:c-1:0042", opened.pin_key("c-1", "0042")),
    ):
        assert found == hmac.digest(KEY, text, "sha256")[:16]


def test_same_list_makes_the_same_file_and_its_layout_is_that_of_its_version(tmp_path: Path) -> None:
    """Where this digest changes, what a file means has changed: the magic of `list_file` must change with it."""
    digests = {compile_list(parse_list(full_list()), KEY, tmp_path / name).digest for name in ("one", "two")}
    assert digests == {LAYOUT_DIGEST}


def test_keyed_credential_is_found_and_a_plain_twin_refused(tmp_path: Path) -> None:
    raw, card = sample_list(1), Identifier("EM4100", None, 15517587)
    raw["credentials"].append({"id": "k", "cardholder": "p-0", "key": lookup_key(KEY, card).hex()})
    opened = _opened(raw, tmp_path)
    found = opened.credential(opened.key(card))
    assert found is not None
    assert found.id == "k"
    raw["credentials"].append({"id": "twin", "cardholder": "p-0", "format": "EM4100", "number": 15517587})
    document = parse_list(raw)
    with pytest.raises(ListInvalid, match=r"\$.credentials\[2\]: is the same card"):
        compile_list(document, KEY, tmp_path)
    with pytest.raises(ListInvalid, match=r"\$.credentials\[2\]: is the same card"):
        MemoryAccessList(document, KEY)


def test_duress_pin_given_by_key_may_not_be_the_pin(tmp_path: Path) -> None:
    raw = sample_list(1)
    hashed = hmac.digest(KEY, b"PIN:c-0:1234", "sha256")[:16].hex()
    raw["credentials"][0] |= {"pin": "1234", "duress_pin_key": hashed}
    document = parse_list(raw)
    with pytest.raises(ListInvalid, match=r"\$.credentials\[0\].duress_pin: is the same as pin"):
        compile_list(document, KEY, tmp_path)
    with pytest.raises(ListInvalid, match="same as pin"):
        MemoryAccessList(document, KEY)


def test_what_if_list_without_a_site_key_knows_plain_credentials_and_pins_only() -> None:
    memory: AccessList = MemoryAccessList.from_document(parse_list(full_list()))
    found = memory.credential(memory.key(CARD))
    assert found is not None
    assert found.pin == memory.pin_key("c-1", "246813579024") != memory.pin_key("c-1", "246813579025")
    assert memory.key(CARD) != MemoryAccessList.from_document(parse_list(full_list())).key(CARD)
    assert not memory.fallback


def test_digits_of_cards_and_pins_never_stand_in_the_file(tmp_path: Path) -> None:
    raw, number = full_list(), 1234567890123
    raw["credentials"][0].update(number=number, label="")
    content = compile_list(parse_list(raw), KEY, tmp_path).path.read_bytes()
    for digits in (str(number), "H10301", "12345", "246813579024", "135790246813"):
        assert digits.encode() not in content
    for whole in (number, 246813579024, 135790246813):
        assert whole.to_bytes(8, "big") not in content
        assert whole.to_bytes(8, "little") not in content


def test_what_if_list_and_document_show_no_digits() -> None:
    document = parse_list(full_list())
    shown = repr(document) + repr(vars(MemoryAccessList(document))) + repr(list(document.credentials.typed()))
    assert not any(digits in shown for digits in ("246813579024", "135790246813", "A12345"))


@given(st.data())
def test_truncated_or_flipped_file_is_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("lists")
    path = compile_list(parse_list(full_list()), KEY, folder).path
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        bit = data.draw(st.integers(0, len(content) * 8 - 1))
        content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)
    with pytest.raises(ListInvalid):
        open_list(path, KEY)


def test_list_of_another_site_key_or_a_missing_one_is_refused(tmp_path: Path) -> None:
    path = _compiled(tmp_path).path
    with pytest.raises(ListInvalid, match="another site key"):
        open_list(path, b"\x08" * 32)
    with pytest.raises(ListInvalid, match="can't be opened"):
        open_list(tmp_path / "none", KEY)
    with pytest.raises(ListInvalid, match="can't be opened"):
        open_list(tmp_path, KEY)


def test_list_that_stands_in_says_so(tmp_path: Path) -> None:
    path = _compiled(tmp_path).path
    assert open_list(path, KEY, fallback=True).fallback
    assert not open_list(path, KEY).fallback


def test_list_of_an_older_release_is_refused_and_asked_for_again(tmp_path: Path) -> None:
    folder = ListFolder(tmp_path, KEY)
    compiled = folder.prepare(json.dumps(sample_list()).encode(), "demo", 0)
    set_current(tmp_path, compiled)
    assert folder.version_in_force() == 7
    content = bytearray(compiled.path.read_bytes())
    struct.pack_into("=Q", content, 0, 0x31_4C_48_47_01_00_00_00)
    compiled.path.write_bytes(content)
    with pytest.raises(ListInvalid, match="of this version"):
        open_list(compiled.path, KEY)
    assert folder.version_in_force() == 0
    compiled.path.unlink()
    assert folder.version_in_force() == 0


def test_current_list_moves_in_one_step_and_the_previous_is_kept(tmp_path: Path) -> None:
    assert current_list(tmp_path) is None
    made = []
    for version in range(1, 7):
        made.append(compile_list(parse_list(sample_list(1, version)), KEY, tmp_path))
        set_current(tmp_path, made[-1])
    assert current_list(tmp_path) == made[-1].path
    assert previous_list(tmp_path) == made[-2].path
    assert made[-2].path.exists()
    assert len(list(tmp_path.glob("*.ghl"))) <= 4


def test_folder_refuses_older_lists_and_other_sites(tmp_path: Path) -> None:
    folder = ListFolder(tmp_path, KEY)
    raw = json.dumps(sample_list()).encode()
    with pytest.raises(ListInvalid, match="not newer"):
        folder.prepare(raw, "demo", 7)
    with pytest.raises(ListInvalid, match="site"):
        folder.prepare(raw, "other", 0)
    assert folder.version_in_force() == 0
    set_current(tmp_path, folder.prepare(raw, "demo", 6))
    assert folder.version_in_force() == 7


def test_site_key_is_made_once_and_private(tmp_path: Path) -> None:
    key = load_site_key(tmp_path / "secrets")
    assert len(key) == 32
    assert load_site_key(tmp_path / "secrets") == key
    assert (tmp_path / "secrets" / "site-key").stat().st_mode & 0o777 == 0o600

"""Facts about whom a gateway believes: every manifest, key set and revocation that it must refuse, by name."""

import resource
import signal
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import SystemClock
from gateway.errors import ListUntrusted
from sync import list_wire as lw
from sync.device_key import DeviceKey
from sync.office.signing import ROOT, make_key_set, make_keys, read_key, sign
from sync.trust import Trust
from tests.sync.keys import Keys

NOW = datetime(2026, 11, 25, 8, 0, 0, 123456, tzinfo=UTC)
ROOT_OF_NOTHING = "ab" * 32


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "keys")


def a_trust(keys: Keys | None, folder: Path) -> Trust:
    trust = Trust("demo", None if keys is None else bytes.fromhex(keys.root), folder / "trust.json", SystemClock())
    if keys is not None:
        trust.take_keys(keys.set)
    return trust


def a_manifest(keys: Keys, *numbers: int, **changes: Any) -> lw.Manifest:
    values = {"site": "demo", "generation": 1, "version": 7, "previous": 6, "count": 4, "root": ROOT_OF_NOTHING}
    unsigned = lw.Manifest(**{**values, "issued_at": NOW, "key_epoch": keys.set.key_epoch, **changes})
    signatures = tuple(keys.signature(unsigned, number) for number in numbers)
    return msgspec.structs.replace(unsigned, signatures=signatures)


def revocations_of(keys: Keys, sequence: int, *revoked: lw.Revoked) -> lw.Revocations:
    record = lw.Revocations("demo", sequence, NOW, revoked, keys.set.key_epoch)
    return msgspec.structs.replace(record, signatures=(keys.signature(record),))


def refusal(trust: Trust, manifest: lw.Manifest) -> str:
    with pytest.raises(ListUntrusted) as caught:
        trust.judge(manifest)
    return caught.value.faults[0]


def test_one_key_of_the_set_is_believed_and_a_second_persons_lets_a_guarded_change_through(
    keys: Keys, tmp_path: Path
) -> None:
    trust = a_trust(keys, tmp_path)
    assert trust.judge(a_manifest(keys, 1)) is False
    assert trust.judge(a_manifest(keys, 1, 2)) is True
    assert trust.judge(a_manifest(keys, 1, 1)) is False, "one key twice is one signature"


def test_an_unsigned_manifest_is_refused(keys: Keys, tmp_path: Path) -> None:
    assert refusal(a_trust(keys, tmp_path), a_manifest(keys)) == "$: is not signed"


def test_a_manifest_signed_by_a_stranger_is_refused(keys: Keys, tmp_path: Path) -> None:
    stranger = Keys(tmp_path / "stranger")
    assert "by no key of key set 1" in refusal(a_trust(keys, tmp_path), a_manifest(stranger, 1, 2))


def test_another_sites_manifest_is_refused_though_the_same_office_signed_it(keys: Keys, tmp_path: Path) -> None:
    assert refusal(a_trust(keys, tmp_path), a_manifest(keys, 1, site="other")) == "$.site: is 'other', this is 'demo'"


def test_an_older_manifest_and_a_replayed_one_are_refused_also_after_a_restart(keys: Keys, tmp_path: Path) -> None:
    a_trust(keys, tmp_path).keep_list(a_manifest(keys, 1))
    restarted = a_trust(keys, tmp_path)
    assert "list 1.6 is older than 1.7" in refusal(restarted, a_manifest(keys, 1, version=6))
    assert "list 0.99 is older than 1.7" in refusal(restarted, a_manifest(keys, 1, generation=0, version=99))
    assert "another list 1.7 was here" in refusal(restarted, a_manifest(keys, 1, root="cd" * 32))
    assert restarted.judge(a_manifest(keys, 1)) is False, "the very same may come again: its file may be lost"
    restarted.judge(a_manifest(keys, 1, generation=2, version=1))


CHANGES: dict[str, Any] = {
    "generation": 2,
    "version": 8,
    "previous": 5,
    "count": 5,
    "root": "ac" * 32,
    "issued_at": NOW + timedelta(microseconds=1),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_manifest_that_was_changed_on_the_way_is_refused(keys: Keys, tmp_path: Path, name: str) -> None:
    changed = msgspec.structs.replace(a_manifest(keys, 1), **{name: CHANGES[name]})
    assert "its signature is wrong" in refusal(a_trust(keys, tmp_path), changed)


def test_a_second_signature_that_is_wrong_spoils_the_first(keys: Keys, tmp_path: Path) -> None:
    signed = a_manifest(keys, 1, 2)
    swapped = lw.Signature(signed.signatures[1].key, signed.signatures[0].signature)
    wrong = msgspec.structs.replace(signed, signatures=(signed.signatures[0], swapped))
    assert "its signature is wrong" in refusal(a_trust(keys, tmp_path), wrong)


def test_after_a_rotation_the_old_keys_are_worth_nothing_also_after_a_restart(keys: Keys, tmp_path: Path) -> None:
    stolen = a_manifest(keys, 1, 2, version=9)
    old_set = keys.set
    a_trust(keys, tmp_path).take_keys(keys.rotate())
    trust = Trust("demo", bytes.fromhex(keys.root), tmp_path / "trust.json", SystemClock())
    assert trust.key_epoch == 2
    assert "signed by key set 1, in use is 2" in refusal(trust, stolen)
    with pytest.raises(ListUntrusted, match="key set 1 is older than 2"):
        trust.take_keys(old_set)
    trust.judge(a_manifest(keys, 1))


def test_a_rotation_takes_back_the_numbers_that_a_thief_has_used_up(keys: Keys, tmp_path: Path) -> None:
    trust = a_trust(keys, tmp_path)
    trust.keep_list(a_manifest(keys, 1, generation=900, version=2**53 - 1))
    trust.keep_revocations(revocations_of(keys, 2**53 - 1), ())
    assert "is older than" in refusal(trust, a_manifest(keys, 1))
    trust.take_keys(keys.rotate())
    trust.judge(a_manifest(keys, 1))
    assert trust.sequence == 0


def test_what_came_by_keys_that_were_changed_meanwhile_is_not_kept(keys: Keys, tmp_path: Path) -> None:
    trust = a_trust(keys, tmp_path)
    stolen, revoked = a_manifest(keys, 1, 2), revocations_of(keys, 2**53 - 1)
    trust.judge(stolen)
    trust.judge_revocations(revoked)
    trust.take_keys(keys.rotate())
    for keep in (partial(trust.keep_list, stolen), partial(trust.keep_revocations, revoked, ())):
        with pytest.raises(ListUntrusted, match="signed by key set 1, in use is 2"):
            keep()
    trust.judge(a_manifest(keys, 1, generation=0, version=1))
    assert trust.sequence == 0


def test_lists_and_revocations_that_come_at_once_are_both_kept(keys: Keys, tmp_path: Path) -> None:
    trust = a_trust(keys, tmp_path)
    lists = [a_manifest(keys, 1, version=version) for version in range(1, 41)]
    revoked = [revocations_of(keys, sequence) for sequence in range(1, 41)]
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as another:  # each task's come in their order
        for kept in (
            one.map(trust.keep_list, lists),
            another.map(lambda each: trust.keep_revocations(each, ()), revoked),
        ):
            list(kept)
    restarted = a_trust(keys, tmp_path)
    assert restarted.sequence == 40
    assert "is older than 1.40" in refusal(restarted, a_manifest(keys, 1, version=39))


def test_a_disk_that_takes_nothing_is_not_littered(keys: Keys, tmp_path: Path) -> None:
    trust = a_trust(keys, tmp_path)
    before, limits = trust_file(tmp_path), resource.getrlimit(resource.RLIMIT_FSIZE)
    was = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, limits[1]))
    try:
        for _ in range(3):
            with pytest.raises(OSError, match="too large"):
                trust.keep_list(a_manifest(keys, 1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, was)
    assert trust_file(tmp_path) == before


def trust_file(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_one_signature_does_not_use_up_the_generations(keys: Keys, tmp_path: Path) -> None:
    trust = a_trust(keys, tmp_path)
    assert refusal(trust, a_manifest(keys, 1, 2, generation=1001)) == "$.generation: 1001 is more than 1000 ahead"
    trust.judge(a_manifest(keys, 1, generation=1000))
    trust.judge(a_manifest(keys, 1, generation=5000), 4000)
    trust.keep_list(a_manifest(keys, 1, generation=1000))
    trust.judge(a_manifest(keys, 1, generation=2000))


@pytest.mark.parametrize(("synchronised", "refused"), [(True, True), (False, False)])
def test_a_list_from_the_future_is_refused_by_a_clock_that_is_kept(
    keys: Keys, tmp_path: Path, synchronised: bool, refused: bool
) -> None:
    clock = SystemClock(synchronised=lambda: synchronised)
    trust = Trust("demo", bytes.fromhex(keys.root), tmp_path / "trust.json", clock)
    trust.take_keys(keys.set)
    now = datetime.now(UTC).replace(microsecond=0)
    trust.judge(a_manifest(keys, 1, issued_at=now + timedelta(hours=23)))
    late = a_manifest(keys, 1, issued_at=now + timedelta(days=3650))
    if refused:
        assert "a day ahead of the clock here" in refusal(trust, late)
    else:
        trust.judge(late)


def test_revocations_that_no_list_has_taken_up_add_up_also_over_a_restart(keys: Keys, tmp_path: Path) -> None:
    first, second = lw.Revoked("c-1", 0, 9), lw.Revoked("c-2", 0, 10)
    a_trust(keys, tmp_path).keep_revocations(revocations_of(keys, 3), (first,))
    trust = a_trust(keys, tmp_path)
    assert trust.standing((second,), (0, 8)) == (first, second)
    assert trust.standing((lw.Revoked("c-1", 0, 8), second), (0, 8)) == (first, second), "the later of each counts"
    assert trust.standing((second,), (0, 9)) == (second,)
    assert trust.standing((), (1, 1)) == ()


def test_a_key_set_that_the_root_did_not_sign_or_that_was_changed_is_refused(keys: Keys, tmp_path: Path) -> None:
    trust = a_trust(keys, tmp_path)
    forged = make_keys(tmp_path / "stranger")
    with pytest.raises(ListUntrusted, match="isn't signed by the office's root key"):
        trust.take_keys(msgspec.structs.replace(forged, key_epoch=5))
    fresh = keys.rotate()
    with pytest.raises(ListUntrusted, match="isn't signed by the office's root key"):
        trust.take_keys(msgspec.structs.replace(fresh, keys=(*fresh.keys, "cd" * 32)))


def test_under_another_root_key_nothing_is_believed_of_what_the_one_before_had_signed(
    keys: Keys, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = a_trust(keys, tmp_path)
    before.keep_list(a_manifest(keys, 1))
    before.keep_revocations(revocations_of(keys, 5), (lw.Revoked("c-1", 9, 9),))
    other = Keys(tmp_path / "others")
    trust = Trust("demo", bytes.fromhex(other.root), tmp_path / "trust.json", SystemClock())
    assert "not the one that has signed key set 1" in caplog.text
    assert refusal(trust, a_manifest(keys, 1, version=8)) == "$: is signed by key set 1, in use is 0"
    with pytest.raises(ListUntrusted, match="isn't signed by the office's root key"):
        trust.take_keys(keys.set)
    trust.take_keys(other.set)
    assert trust.judge(a_manifest(other, 1, generation=0, version=1)) is False
    assert trust.sequence == 0
    assert trust.standing((), (0, 0)) == ()


def test_a_key_set_waits_for_its_beginning(keys: Keys, tmp_path: Path) -> None:
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    signing = read_key(keys.folder / "signing-1.key")
    early = make_key_set(keys.folder, 2, [signing], later)
    with pytest.raises(ListUntrusted, match="begins only at"):
        a_trust(keys, tmp_path).take_keys(early)


def test_a_clock_that_nobody_can_trust_keeps_no_key_set_away(keys: Keys, tmp_path: Path) -> None:
    clock = SystemClock()
    clock.raise_floor(datetime.now(UTC) + timedelta(days=2))
    trust = Trust("demo", bytes.fromhex(keys.root), tmp_path / "trust.json", clock)
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    trust.take_keys(make_key_set(keys.folder, 2, [read_key(keys.folder / "signing-1.key")], later))
    assert trust.key_epoch == 2


def test_revocations_are_believed_as_lists_are_and_their_sequence_only_rises(keys: Keys, tmp_path: Path) -> None:
    def revocations(sequence: int = 3, site: str = "demo", *, signed: bool = True) -> lw.Revocations:
        record = lw.Revocations(site, sequence, NOW, (lw.Revoked("c-1", 0, 9),), keys.set.key_epoch)
        return msgspec.structs.replace(record, signatures=(keys.signature(record),) if signed else ())

    trust = a_trust(keys, tmp_path)
    assert trust.judge_revocations(revocations()) is False
    trust.keep_revocations(revocations(), ())
    for wrong, words in (
        (revocations(3), "revocations 3 are older than 3"),
        (revocations(4, "other"), "is 'other'"),
        (revocations(4, signed=False), "is not signed"),
        (msgspec.structs.replace(revocations(4), revoked=()), "its signature is wrong"),
    ):
        with pytest.raises(ListUntrusted, match=words):
            trust.judge_revocations(wrong)


def test_a_site_that_takes_unsigned_lists_still_takes_no_older_one(keys: Keys, tmp_path: Path) -> None:
    trust = a_trust(None, tmp_path)
    assert trust.judge(a_manifest(keys)) is False
    trust.keep_list(a_manifest(keys))
    assert "is older" in refusal(trust, a_manifest(keys, version=6))


@given(st.binary(min_size=1, max_size=300))
def test_a_damaged_file_of_what_was_believed_is_nothing_believed_and_no_crash(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trust.json"
        path.write_bytes(content)
        assert Trust("demo", b"k" * 32, path, SystemClock()).key_epoch == 0


def test_signed_bytes_and_digests_are_those_of_the_protocols_page() -> None:
    """Golden: another language must come to the same, from the texts, records and seeds that lie there."""
    golden = msgspec.json.decode((Path(__file__).parents[1] / "vectors" / "lists.json").read_bytes())
    texts = {part: [text.encode() for text in golden["list"][part]] for part in ("cardholders", "credentials")}
    lines = [
        lw.entry_line(part, msgspec.json.decode(text)["id"], text) for part, each in texts.items() for text in each
    ]
    assert (lw.bucket_of("p-1"), [line.hex() for line in lines]) == (golden["bucket"], golden["lines"])
    digests = bytearray(lw.bucket_digest(()) * lw.BUCKETS)
    at = golden["bucket"] * 32
    digests[at : at + 32] = lw.bucket_digest(lines)
    rules = lw.rules_digest({name: msgspec.Raw(text.encode()) for name, text in golden["list"]["rules"].items()})
    assert (rules.hex(), lw.root_of(rules, bytes(digests))) == (golden["rules"], golden["root"])


def test_the_golden_records_are_signed_by_the_golden_keys(tmp_path: Path) -> None:
    golden = msgspec.json.decode((Path(__file__).parents[1] / "vectors" / "lists.json").read_bytes())
    root, signing = (DeviceKey(bytes.fromhex(golden["seeds"][name])) for name in ("root", "signing"))
    assert {"root": root.public, "signing": signing.public} == golden["keys"]
    manifest = msgspec.convert(golden["manifest"]["record"], lw.Manifest)
    keys = msgspec.convert(golden["key_set"]["record"], lw.KeySet)
    revoked = msgspec.convert(golden["revocations"]["record"], lw.Revocations)
    signed = {"manifest": lw.manifest_bytes(manifest), "revocations": lw.revocations_bytes(revoked)}
    for name, content in signed.items():
        assert content.hex() == golden[name]["signed"]
        told = {"key": signing.public, "signature": signing.sign(content)}
        assert golden[name]["record"]["signatures"] == [told]
    assert lw.key_set_bytes(keys).hex() == golden["key_set"]["signed"]
    assert root.sign(lw.key_set_bytes(keys)) == keys.signature
    assert (manifest.root, manifest.count) == (golden["root"], 2)
    trust = Trust("demo", bytes.fromhex(root.public), tmp_path / "trust.json", SystemClock())
    trust.take_keys(keys)
    assert trust.judge(manifest) is False, "one signature"


def test_the_root_key_signs_nothing_but_key_sets(keys: Keys, tmp_path: Path) -> None:
    assert (keys.folder / ROOT).stat().st_mode & 0o077 == 0
    unsigned = a_manifest(keys)
    by_root = msgspec.structs.replace(unsigned, signatures=(sign(read_key(keys.folder / ROOT), unsigned),))
    assert "by no key of key set" in refusal(a_trust(keys, tmp_path), by_root)

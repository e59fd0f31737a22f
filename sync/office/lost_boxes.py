"""Boxes that were stolen or lost: their keys speak for nobody any more, and their site has a token of its own.

Part of the ledger. What the box knew besides, people must change; they are told what.
"""

import hashlib
import hmac
import secrets
import sqlite3
from typing import Any

from sync.office.alarms import Alarms

SCHEMA = """
CREATE TABLE IF NOT EXISTS lost_box (
    site TEXT, key TEXT, lost_at TEXT NOT NULL, told_by TEXT NOT NULL, PRIMARY KEY (site, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS site_token (site TEXT PRIMARY KEY, digest BLOB NOT NULL) WITHOUT ROWID;
"""
TOLD_EVERY_S = 60
"""A thief's box tries again and again: it is one alarm, counted once in this time at most."""
_NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"

KNEW: dict[str, dict[str, str]] = {
    "gateways_token": {
        "zh-CN": "各站点网关共用的令牌：更换 --token-file 并逐一下发",
        "en": "the token of all gateways: change --token-file and give them the new one",
    },
    "card_numbers": {
        "zh-CN": "全部卡号：26 位卡号几分钟即可还原，应换卡，换卡之前加验密码",
        "en": "every card: 26 bits are tried in minutes; replace the cards, and ask for a PIN until then",
    },
    "pins": {"zh-CN": "全部密码：请持卡人更换", "en": "every PIN: have people choose others"},
    "device_secrets": {
        "zh-CN": "盒内的其他密钥：摄像机、MQTT、OSDP 的密码与密钥，请在现场更换",
        "en": "the other secrets in it, of cameras, brokers and OSDP readers: change them at the site",
    },
    "console_passwords": {
        "zh-CN": "值班台的账号：其密码摘要可被猜解，请全部更换",
        "en": "the guards' passwords, whose hashes can be guessed at: have all of them changed",
    },
}
"""What a box knows that only people can change, and how."""


def digest_of(token: str) -> bytes:
    """What is kept of a token: 32 random bytes need no salt."""
    return hashlib.sha256(token.encode()).digest()


class LostBoxes:
    """Works in the ledger's transactions, on its connection."""

    def __init__(self, db: sqlite3.Connection, alarms: Alarms) -> None:
        self._db, self._alarms = db, alarms

    def report(self, site: str, key: str | None, by: str) -> str:
        """From now on this key is refused, and the site's gateway must have the token that is answered."""
        if key is not None:
            self._db.execute(f"INSERT OR IGNORE INTO lost_box VALUES (?, ?, {_NOW}, ?)", (site, key, by))
        token = secrets.token_urlsafe(32)
        self._db.execute("INSERT OR REPLACE INTO site_token VALUES (?, ?)", (site, digest_of(token)))
        self._alarms.tell(site, "box_lost", (key or "unknown")[:16], f"told by {by}")
        return token

    def is_lost(self, key: str) -> bool:
        """Whether this key was in a box that was lost, at whatever site."""
        return self._db.execute("SELECT 1 FROM lost_box WHERE key = ?", (key,)).fetchone() is not None

    def has_token(self, site: str, token: str) -> bool | None:
        """Whether this is the site's own token; None where it has none, and goes by that of all."""
        row = self._db.execute("SELECT digest FROM site_token WHERE site = ?", (site,)).fetchone()
        return None if row is None else hmac.compare_digest(row[0], digest_of(token))

    def speaks(self, site: str, by: str, detail: str) -> None:
        """Somebody speaks `by` the token or the key that a lost box knew."""
        self._alarms.tell(site, "lost_box_speaks", by, detail, TOLD_EVERY_S)

    def known(self, site: str) -> list[dict[str, Any]]:
        """All that were lost, the newest first."""
        rows = self._db.execute(
            "SELECT key, lost_at, told_by FROM lost_box WHERE site = ? ORDER BY lost_at DESC", (site,)
        )
        return [dict(zip(("key", "lost_at", "by"), row, strict=True)) for row in rows]

"""What somebody at the office must look at, about the gateways themselves: part of the ledger.

One open alarm for each (site, kind, source): the same again is counted. It ends when a person says so.
"""

import logging
import sqlite3
from typing import Any

log = logging.getLogger(__name__)

SHOWN = 100
"""Open alarms of a site at most: there are few kinds, and each has few sources."""
SOURCES = 20
"""Of a kind that are told apart, the rest together: who has a token could hide an alarm behind any number of keys."""
DETAIL_CHARS = 300
SCHEMA = """
CREATE TABLE IF NOT EXISTS alarm (
    n INTEGER PRIMARY KEY AUTOINCREMENT, site TEXT NOT NULL, kind TEXT NOT NULL, source TEXT NOT NULL,
    priority INTEGER NOT NULL, detail TEXT NOT NULL, first_at TEXT NOT NULL, last_at TEXT NOT NULL,
    count INTEGER NOT NULL DEFAULT 1, ended_at TEXT, ended_by TEXT);
CREATE UNIQUE INDEX IF NOT EXISTS alarm_open ON alarm (site, kind, source) WHERE ended_at IS NULL;
"""
_NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"

PRIORITY = {
    "other_device": 2,
    "history_forked": 2,
    "clone": 2,
    "events_pruned": 2,
    "box_lost": 2,
    "lost_box_speaks": 1,
    "list_behind": 2,
}
"""P1: at once; P2: somebody must look at it today."""
WORDS = {
    "other_device": {
        "zh-CN": "另一台设备冒用了该站点的身份，已拒绝",
        "en": "Another device speaks in this site's name; it was refused",
    },
    "history_forked": {
        "zh-CN": "网关的历史记录出现分叉：从旧镜像恢复，或有第二台设备",
        "en": "The gateway's history forked: restored from an old image, or a second box",
    },
    "clone": {
        "zh-CN": "两台设备使用同一身份同时运行，两份记录都已保留",
        "en": "Two boxes run with one identity; both histories are kept",
    },
    "events_pruned": {
        "zh-CN": "部分事件在送达之前已被网关删除",
        "en": "Events were pruned at the gateway before they arrived here",
    },
    "box_lost": {
        "zh-CN": "网关设备已报失：其密钥已作废，请更换它所知道的一切",
        "en": "A box was reported lost: its key is void, and what it knew must be changed",
    },
    "lost_box_speaks": {
        "zh-CN": "有人使用已报失设备的令牌或密钥连接",
        "en": "Somebody speaks with the token or the key of a box that was lost",
    },
    "list_behind": {
        "zh-CN": "网关的名单比物业中心的更新，不再接受中心的名单：请开始新的世代（POST list/generation）",
        "en": "The gateway has a newer list than the office, and takes none: begin a generation (POST list/generation)",
    },
}
"""Each kind in the languages of those who look."""
_COLUMNS = ("n", "kind", "source", "priority", "detail", "first_at", "last_at", "count")


class Alarms:
    """Works in the ledger's transactions, on its connection."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def tell(self, site: str, kind: str, source: str, detail: str, every_s: int = 0) -> None:
        """Raise it, which the log tells, or count it once more; not while it was told less than `every_s` ago."""
        known = self._db.execute(
            "SELECT source FROM alarm WHERE site = ? AND kind = ? AND ended_at IS NULL", (site, kind)
        ).fetchall()
        source = source if (source,) in known or len(known) < SOURCES else "others"
        told = self._db.execute(
            f"INSERT INTO alarm (site, kind, source, priority, detail, first_at, last_at) VALUES (?, ?, ?, ?, ?, {_NOW}"
            f", {_NOW}) ON CONFLICT (site, kind, source) WHERE ended_at IS NULL DO UPDATE SET count = count + 1,"
            " last_at = excluded.last_at, detail = excluded.detail"
            f" WHERE ? = 0 OR last_at NOT BETWEEN strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?) AND {_NOW}",
            (site, kind, source, PRIORITY[kind], detail[:DETAIL_CHARS], every_s, f"-{every_s} seconds"),
        )
        if told.rowcount and (source,) not in known:  # two boxes by turns would tell it each half minute, for ever
            log.warning("site %s: %s: %s", site, WORDS[kind]["en"], detail[:DETAIL_CHARS])

    def open(self, site: str) -> list[dict[str, Any]]:
        """What is open, the newest first, in words."""
        rows = self._db.execute(
            f"SELECT {', '.join(_COLUMNS)} FROM alarm WHERE site = ? AND ended_at IS NULL ORDER BY n DESC LIMIT ?",
            (site, SHOWN),
        )
        found = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
        return [alarm | {"text": WORDS.get(str(alarm["kind"]), {})} for alarm in found]

    def end(self, site: str, number: int, by: str) -> bool:
        """A person has seen to it. False where there is no such open alarm."""
        done = self._db.execute(
            f"UPDATE alarm SET ended_at = {_NOW}, ended_by = ? WHERE site = ? AND n = ? AND ended_at IS NULL",
            (by, site, number),
        )
        return done.rowcount == 1

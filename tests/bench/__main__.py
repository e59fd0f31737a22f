"""`python -m tests.bench [NAME …]`: prints every figure with the machine and its load; nothing here passes or fails."""

import sys
from importlib import import_module

from tests.bench.rows import Row, load, machine

BENCHES = (
    "access_bench",
    "cards_bench",
    "crowd_bench",
    "doors_bench",
    "families_bench",
    "journal_bench",
    "list_sync_bench",
    "mqtt_bench",
    "osdp_bench",
    "parsers_bench",
    "readers_bench",
    "reconnect_bench",
    "relays_bench",
    "site_bench",
    "store_bench",
    "uplink_bench",
    "video_bench",
)


def main(names: list[str]) -> int:
    """Run them one after the other."""
    print(machine())
    for name in names or BENCHES:
        print(f"\n{name}, load {load()}", flush=True)
        for found in import_module(f"tests.bench.{name}").run():
            print(_line(found), flush=True)
    return 0


def _line(found: Row) -> str:
    p99 = "" if found.get("p99") is None else f"p99 {found['p99']:>10}"
    return f"  {found['name']:58} {found['median']!s:>10} {p99:16} {found['unit']:12} {found.get('note', '')}".rstrip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What a ledger has beyond an older copy of it, which is to take its place: what must not be undone in silence.

Works on the copy's connection, with the ledger attached as `present`.
"""

import sqlite3
from collections import defaultdict

_TOKENS = """
    SELECT p.site, p.digest, c.digest IS NULL OR
        (SELECT max(lost_at) FROM present.lost_box WHERE site = p.site)
            > coalesce((SELECT max(lost_at) FROM main.lost_box WHERE site = p.site), '')
    FROM present.site_token p LEFT JOIN main.site_token c USING (site)
    WHERE p.digest IS NOT c.digest ORDER BY p.site
"""
"""Those that differ, and whether it is sure that the present one was given later."""
_REVOKED = """
    SELECT p.site, p.credential FROM present.revocation p
    LEFT JOIN main.revocation c ON c.site = p.site AND c.credential = p.credential AND c.sequence >= p.sequence
    LEFT JOIN present.entry e ON e.site = p.site AND e.part = 'credentials' AND e.id = p.credential
    WHERE c.site IS NULL AND (e.raw IS NULL OR coalesce(CAST(e.raw AS TEXT) ->> '$.state', 'active') <> 'active')
    ORDER BY p.site, p.sequence, p.credential
"""
"""Those that are revoked still: one that was given back since is nobody's loss."""
_DEVICES = """
    SELECT site, p.key, c.key FROM (SELECT site FROM present.device UNION SELECT site FROM main.device)
    LEFT JOIN present.device p USING (site) LEFT JOIN main.device c USING (site)
    WHERE p.key IS NOT c.key ORDER BY site
"""
_LISTS = """
    SELECT p.site, p.generation, p.version, c.generation, c.version FROM present.listing p
    LEFT JOIN main.listing c USING (site)
    WHERE (p.generation, p.version) IS NOT (c.generation, c.version) ORDER BY p.site
"""


def carry_lost_boxes(database: sqlite3.Connection) -> list[str]:
    """Have the copy know the boxes that were lost since, and their sites' tokens: each in words."""
    database.execute("BEGIN IMMEDIATE")
    lost = database.execute(
        "SELECT site, key, lost_at FROM present.lost_box EXCEPT SELECT site, key, lost_at FROM main.lost_box"
    ).fetchall()
    told = [f"site {site}: the box {key[:16]}, lost {at}, stays lost" for site, key, at in lost]
    for site, digest, is_later in database.execute(_TOKENS).fetchall():
        if is_later:
            database.execute("INSERT OR REPLACE INTO main.site_token VALUES (?, ?)", (site, digest))
            told.append(f"site {site}: the token that box-lost gave stays good, and no other")
        else:
            told.append(f"site {site}: its token was another: was a box lost since? Then report it again (box-lost)")
    database.execute("INSERT OR IGNORE INTO main.lost_box SELECT * FROM present.lost_box")
    database.execute("DELETE FROM main.device WHERE key IN (SELECT key FROM main.lost_box)")
    database.execute("COMMIT")
    return told


def told_since(database: sqlite3.Connection) -> list[str]:
    """What else was done since the copy was made, in words, with what to do."""
    revoked: defaultdict[str, list[str]] = defaultdict(list)
    for site, credential in database.execute(_REVOKED):
        revoked[site].append(credential)
    told = [
        f"site {site}: revoked or taken out since, and good again: {', '.join(ids)}: revoke them again"
        for site, ids in revoked.items()
    ]
    for site, key, before in database.execute(_DEVICES):
        told.append(f"site {site}: its device's key was {key or 'none'}, and is {before or 'none'} again: device-key")
    for site, generation, version, *before in database.execute(_LISTS):
        older = "none" if before[1] is None else f"{before[1]} of generation {before[0]}"
        told.append(
            f"site {site}: its list was {version} of generation {generation}, and is {older} again: repeat the changes,"
            " and begin a generation once its gateway has said hello"
        )
    return told

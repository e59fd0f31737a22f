"""Everything that is random comes from the seed."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any


@contextmanager
def seeded_entropy(chance: Random) -> Iterator[None]:
    """`secrets` draws from `chance`."""
    token_bytes, token_hex = secrets.token_bytes, secrets.token_hex
    source: Any = secrets
    source.token_bytes = lambda count=32: chance.randbytes(count)
    source.token_hex = lambda count=32: chance.randbytes(count).hex()
    try:
        yield
    finally:
        secrets.token_bytes, secrets.token_hex = token_bytes, token_hex

"""`--data` of the commands that look into a site's data directory."""

import argparse
import os
from pathlib import Path


def add_data_word(parser: argparse.ArgumentParser, words: str = "the site's data directory") -> None:
    """The word is needed where GATEHOUSE_DATA doesn't name the directory."""
    named = os.environ.get("GATEHOUSE_DATA") or None
    parser.add_argument(
        "--data", type=Path, default=named, required=named is None, metavar="DIR", help=f"{words} (GATEHOUSE_DATA)"
    )

"""The one message catalogue: `static/i18n/<language>.json`, read by the page and by the server alike."""

import json
import re
from pathlib import Path
from typing import Any

from gateway.console.parts import LANGUAGES

I18N = Path(__file__).parent / "static" / "i18n"
_PLACE = re.compile(r"\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}")
"""`{name}`, or `{name|door|doors}`: a number and the word that fits it."""


_HAN, _LATIN = re.compile("[\u4e00-\u9fff]"), re.compile("[A-Za-z0-9]")


class Catalogue:
    """Texts by key and language. A key is `area.name`; a text holds `{places}`."""

    def __init__(self, folder: Path = I18N) -> None:
        self.texts: dict[str, dict[str, str]] = {
            language: json.loads((folder / f"{language}.json").read_text(encoding="utf-8")) for language in LANGUAGES
        }

    def has(self, key: str) -> bool:
        """Whether every language has this key."""
        return all(key in texts for texts in self.texts.values())

    def text(self, language: str, key: str, /, **values: Any) -> str:
        """The text with its places filled; the key itself where there is no text, so that nothing is hidden."""
        template = self.texts[language].get(key)
        if template is None:
            return key
        set_off = _set_off if language == "zh-CN" else _as_it_is
        return _PLACE.sub(lambda place: set_off(place, _filled(place, values.get(place[1], ""))), template)

    def word(self, language: str, area: str, code: str) -> str:
        """The word for a code of another room; the code itself where there is no word for it."""
        return self.texts[language].get(f"{area}.{code}", code)


def _filled(place: re.Match[str], value: object) -> str:
    if place[2] is None:
        return str(value)
    return f"{value} {place[2] if value == 1 else place[3]}"


def _as_it_is(_place: re.Match[str], filled: str) -> str:
    return filled


def _set_off(place: re.Match[str], filled: str) -> str:
    """Between Chinese and a Latin letter or digit stands a space: a name may end with either, a text can't know."""
    before, after = place.string[: place.start()], place.string[place.end() :]
    left = " " if _HAN.match(before[-1:]) and _LATIN.match(filled[:1]) else ""
    right = " " if _LATIN.match(filled[-1:]) and _HAN.match(after[:1]) else ""
    return f"{left}{filled}{right}"

"""One thing that a site does less safely or less surely than it could, in the two languages that people read it in."""

from gateway.errors import ConfigError


class Caution(ConfigError):
    """Told, never raised. Its remedy is the English sentence; the commissioning report may want the Chinese one."""

    def __init__(self, key: str, value: object, english: str, chinese: str, line: int | None = None) -> None:
        super().__init__(key, value, english, line)
        self.chinese = chinese

    def at_line(self, line: int | None) -> "Caution":
        """The same, where it stands in the site's file."""
        return Caution(self.key, self.value, self.remedy, self.chinese, line)

    def said(self, language: str) -> str:
        """What it means and what to do, without its key."""
        return self.chinese if language == "zh-CN" else self.remedy

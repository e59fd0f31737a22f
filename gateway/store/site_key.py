"""The site key: 32 random bytes that look-up keys are made with; it never leaves the box."""

from pathlib import Path

from gateway.secret_files import own_secret


def load_site_key(secrets_folder: Path) -> bytes:
    """Read `site-key` from the folder of secrets, or make it. Raises ConfigError for a damaged one."""
    return own_secret(secrets_folder, "site-key", "let the office send the list again")

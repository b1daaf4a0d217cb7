"""Settings: read once from the environment, typed, and explained when a value is wrong."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import urlsplit


class SettingInvalid(Exception):
    """A setting's value can't be used; the message names it, says why and what would be right."""


@dataclass(frozen=True)
class Settings:
    """What an installation may set. `sesame settings` lists them with these comments."""

    data_dir: Path
    """SESAME_DATA_DIR: embedded database, keys and files."""
    database_url: str | None = None
    """SESAME_DATABASE_URL: an outside PostgreSQL (16 to 18), signed in as the application's role."""
    database_owner_url: str | None = None
    """SESAME_DATABASE_OWNER_URL: the same database as the role that owns the tables; for `sesame init`."""
    broker_url: str | None = None
    """SESAME_BROKER_URL: redis:// or amqp://; by default the database itself is the broker."""
    real_data: Path | None = None
    """SESAME_REAL_DATA: a folder of official public files, for the tests and `sesame demo --data`."""
    clock_file: Path | None = None
    """SESAME_CLOCK_FILE: seconds to add to the clock; a demonstration scheme only."""
    bind: str = "127.0.0.1:8080"
    """SESAME_BIND: where the web server listens."""
    public_url: str = "http://127.0.0.1:8080"
    """SESAME_PUBLIC_URL: the address that people type; https outside a demonstration."""
    web_processes: int = 2
    """SESAME_WEB_PROCESSES: how many web processes to run."""
    web_threads: int = 8
    """SESAME_WEB_THREADS: threads of each web process."""
    trusted_proxies: int = 0
    """SESAME_TRUSTED_PROXIES: how many proxies of yours (TLS, load balancer) a request passes through.
    Each appends to X-Forwarded-For and X-Forwarded-Proto, and passes Host on; 0 believes none."""
    timestamp_url: str | None = None
    """SESAME_TIMESTAMP_URL: an RFC 3161 stamper that dates the ledger's checkpoints; none by default."""
    checkpoint_seconds: int = 60
    """SESAME_CHECKPOINT_SECONDS: how often the sealed ledger is signed, when something is new."""
    log_level: str = "info"
    """SESAME_LOG_LEVEL: debug, info, warning or error."""

    @property
    def keys_dir(self) -> Path:
        """Where private keys live, apart from the rest, mode 0700."""
        return self.data_dir / "keys"

    @property
    def files_dir(self) -> Path:
        """Where documents and bank files are kept."""
        return self.data_dir / "files"


def environment_name(field_name: str) -> str:
    """Return the environment variable of a setting: `data_dir` → `SESAME_DATA_DIR`."""
    return f"SESAME_{field_name.upper()}"


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings out of `environ` (the process's by default). Raises `SettingInvalid`."""
    source = os.environ if environ is None else environ
    known = {environment_name(field.name) for field in fields(Settings)}
    given = {name: value for name, value in source.items() if name in known and value.strip()}
    return Settings(
        data_dir=_absolute_path(given, "SESAME_DATA_DIR") or default_data_dir(),
        database_url=_url(given, "SESAME_DATABASE_URL", {"postgresql"}),
        database_owner_url=_url(given, "SESAME_DATABASE_OWNER_URL", {"postgresql"}),
        broker_url=_url(given, "SESAME_BROKER_URL", {"redis", "rediss", "amqp", "amqps", "pgmq"}),
        real_data=_absolute_path(given, "SESAME_REAL_DATA"),
        clock_file=_absolute_path(given, "SESAME_CLOCK_FILE"),
        bind=_bind(given.get("SESAME_BIND", Settings.bind)),
        public_url=_url(given, "SESAME_PUBLIC_URL", {"http", "https"}) or Settings.public_url,
        web_processes=_count(given, "SESAME_WEB_PROCESSES", Settings.web_processes),
        web_threads=_count(given, "SESAME_WEB_THREADS", Settings.web_threads),
        trusted_proxies=_count(
            given, "SESAME_TRUSTED_PROXIES", Settings.trusted_proxies, at_least=0, at_most=8
        ),
        timestamp_url=_url(given, "SESAME_TIMESTAMP_URL", {"http", "https"}),
        checkpoint_seconds=_count(
            given, "SESAME_CHECKPOINT_SECONDS", Settings.checkpoint_seconds, at_most=86400
        ),
        log_level=_choice(given, "SESAME_LOG_LEVEL", "info", ("debug", "info", "warning", "error")),
    )


def default_data_dir() -> Path:
    """Return /var/lib/sesame for root, else `sesame` under the user's data folder."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/sesame")
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "sesame"


def _absolute_path(given: Mapping[str, str], name: str) -> Path | None:
    text = given.get(name)
    if text is None:
        return None
    try:
        return Path(text).expanduser().resolve()
    except (RuntimeError, OSError) as failure:
        raise SettingInvalid(f"{name} isn't a usable path: {failure}") from None


def _url(given: Mapping[str, str], name: str, schemes: set[str]) -> str | None:
    text = given.get(name)
    if text is None:
        return None
    try:
        scheme = urlsplit(text).scheme
    except ValueError:
        raise SettingInvalid(f"{name} isn't an address") from None
    if scheme not in schemes:
        wanted = " or ".join(f"{each}://" for each in sorted(schemes))
        raise SettingInvalid(f"{name} must begin with {wanted}, not {scheme or 'no scheme'}://")
    return text


def _count(
    given: Mapping[str, str], name: str, default: int, *, at_least: int = 1, at_most: int = 256
) -> int:
    text = given.get(name)
    if text is None:
        return default
    if not _is_number(text, at_least=at_least, at_most=at_most):
        raise SettingInvalid(
            f"{name} must be a whole number from {at_least} to {at_most}, not {text!r}"
        )
    return int(text)


def _choice(given: Mapping[str, str], name: str, default: str, choices: tuple[str, ...]) -> str:
    text = given.get(name, default).lower()
    if text not in choices:
        raise SettingInvalid(f"{name} must be one of {', '.join(choices)}, not {text!r}")
    return text


def _bind(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not _is_number(port, at_most=65535):
        raise SettingInvalid(f"SESAME_BIND must be HOST:PORT, such as 127.0.0.1:8080, not {text!r}")
    return text


def _is_number(text: str, *, at_least: int = 1, at_most: int) -> bool:
    """Return whether `text` is a whole number from `at_least` to `at_most`, in plain digits."""
    plain = text.isascii() and text.isdigit() and len(text) <= len(str(at_most))
    return plain and at_least <= int(text) <= at_most

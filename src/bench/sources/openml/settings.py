"""Which OpenML server is asked, how long it may take, and with whose key. Standard library only."""

from __future__ import annotations

import configparser
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bench.errors import ConfigError, PrerequisiteError

SERVER = "https://www.openml.org/api/v1/xml"
OFF = "off"
LARGEST_BYTES = 2 * 1024**3
"""No table of the suites here is larger; what unpacks to more is no table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """A server and the patience with it."""

    url: str
    """The root of its API; empty where no server is to be asked."""
    connect_s: float = 5.0
    silence_s: float = 20.0
    """The longest it may say nothing; after so long it must also send `SLOWEST_BYTES_S` in the mean."""
    largest_bytes: int = LARGEST_BYTES

    @property
    def off(self) -> bool:
        """Whether no server is to be asked."""
        return not self.url


def server_settings() -> ServerSettings:
    """Return what `BENCH_OPENML_SERVER` (a URL, or `off`) and `BENCH_OPENML_TIMEOUT` (seconds) ask for.

    Raises ConfigError where one of them cannot be meant.
    """
    url = os.environ.get("BENCH_OPENML_SERVER") or SERVER
    if url == OFF:
        return ServerSettings(url="")
    if not _is_address(url):
        raise ConfigError(
            f"BENCH_OPENML_SERVER is {url!r}: give the URL of an API, such as {SERVER}, or {OFF}"
        )
    patience = os.environ.get("BENCH_OPENML_TIMEOUT")
    if patience is None:
        return ServerSettings(url=url)
    try:
        silence_s = float(patience)
    except ValueError:
        silence_s = 0.0
    if not 0 < silence_s < 1e6:
        raise ConfigError(f"BENCH_OPENML_TIMEOUT is {patience!r}: give a number of seconds above 0")
    return ServerSettings(url=url, connect_s=min(5.0, silence_s), silence_s=silence_s)


def key_file() -> Path:
    """Return the user's own configuration of the OpenML client, where that looks for it."""
    home = Path.home()
    if sys.platform != "linux":
        return home / ".openml" / "config"
    return Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "openml" / "config"


def api_key() -> str:
    """Return the API key in the user's own configuration of the OpenML client.

    Raises PrerequisiteError where there is none.
    """
    path = key_file()
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(f"[openml]\n{path.read_text('utf-8')}")  # it has no sections of its own
    except FileNotFoundError:
        pass
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no list of `name = value`"
        raise PrerequisiteError(
            f"{path} cannot be read ({reason}), and your API key of OpenML is to be there"
        ) from error
    key = parser.get("openml", "apikey", fallback="").strip()
    if not key:
        raise PrerequisiteError(
            f"publishing needs an API key of OpenML, and {path} holds none: `openml configure apikey` puts "
            "it there, and the page of your account on the server shows it"
        )
    return key


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna")
        return parts.scheme in ("http", "https") and bool(host) and parts.port != 0 and url.isprintable()
    except ValueError:  # a port that is no number, half an IPv6 address, a name that is none
        return False

"""Whether a server can be reached at all, asked once and quickly. Standard library only."""

from __future__ import annotations

import socket
import urllib.request
from urllib.parse import urlsplit

from bench.sources.openml.settings import ServerSettings

PORTS = {"http": 80, "https": 443}


def unreachable(settings: ServerSettings) -> str | None:
    """Return why there is no connection to the server; None where there is, or only a proxy could tell."""
    if settings.off:
        return "OpenML is not asked (BENCH_OPENML_SERVER is off)"
    address = urlsplit(settings.url)
    host = address.hostname or ""
    if address.scheme in urllib.request.getproxies() and not urllib.request.proxy_bypass(host):
        return None
    try:
        with socket.create_connection((host, address.port or PORTS[address.scheme]), settings.connect_s):
            return None
    except TimeoutError:
        reason = f"no connection within {settings.connect_s:g} s"
    except OSError as error:
        reason = error.strerror or str(error)
    return f"OpenML at {settings.url} cannot be reached ({reason})"

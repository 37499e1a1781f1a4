"""The one reader of the environment: what it says, as a frozen value."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from lmextract.errors import ConfigError

__all__ = ["DEFAULT_BASE", "Settings", "server_url"]

DEFAULT_BASE = "http://127.0.0.1:1234"
"""Where LM Studio listens unless told otherwise."""

_ROUTE = re.compile(r"(/api/v[01]|/v1)(/chat/completions|/completions|/embeddings|/models)?/*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says.

    | variable | meaning |
    | --- | --- |
    | LM_STUDIO_API_BASE | the address of LM Studio (LiteLLM's name for it) |
    | LM_STUDIO_API_KEY, else LM_API_TOKEN | its API key, where it wants one (LiteLLM's and LM Studio's names) |
    | LMEXTRACT_MODEL | the model to ask for where a call names none |
    | LMEXTRACT_SERVER | `lmstudio` (default), `embedded`, `embedded:<path or name of a GGUF>`, or a base URL |
    | OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT | `true`: OpenTelemetry spans hold prompts and replies |
    """

    lmstudio_base: str = DEFAULT_BASE
    lmstudio_key: str | None = None
    model: str | None = None
    server: str = "lmstudio"
    capture_content: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the variables above; an empty one counts as absent."""
        env = os.environ if environment is None else environment
        return cls(
            lmstudio_base=env.get("LM_STUDIO_API_BASE") or DEFAULT_BASE,
            lmstudio_key=env.get("LM_STUDIO_API_KEY") or env.get("LM_API_TOKEN") or None,
            model=env.get("LMEXTRACT_MODEL") or None,
            server=env.get("LMEXTRACT_SERVER") or "lmstudio",
            capture_content=env.get("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "").strip().lower() == "true",
        )

    def __repr__(self) -> str:
        key = "set" if self.lmstudio_key else "not set"
        return f"Settings({_shown(self.lmstudio_base)!r}, key {key}, model={self.model!r}, server={self.server!r})"


def server_url(given: str) -> str:
    """A base URL without its trailing `/v1` and slashes; ConfigError for what is none."""
    url = given.strip()
    url = (url if "://" in url else f"http://{url}").rstrip("/")
    url = _ROUTE.sub("", url)
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        usable = usable and not re.search(r"[\s\x00-\x1f]", url)
    except ValueError:
        usable = False
        parts = None
    if not usable:
        raise ConfigError(f"{_shown(given)!r} is no server address.", hint=f"It should look like {DEFAULT_BASE}.")
    if parts and (parts.username or parts.password):
        raise ConfigError("the server address holds a name or a password.", hint="Pass the key as api_key instead.")
    return url


def _shown(url: str) -> str:
    """A URL as it may be shown: without what stands before an `@`."""
    return url.rpartition("@")[2]

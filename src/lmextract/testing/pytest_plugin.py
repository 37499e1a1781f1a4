"""The pytest fixtures `fake_lmstudio` and `scripted_server`; registered by the package, so there is nothing to import.

`@pytest.mark.fake_lmstudio(replies=[...], engine="mlx-outlines")` gives the fixture arguments of `FakeLMStudio`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lmextract.testing import FakeLMStudio, ScriptedServer

__all__ = ["fake_lmstudio", "pytest_configure", "scripted_server"]

# Whatever the developer's shell has set must not decide which server or model a test talks to.
_FOREIGN = ("LM_STUDIO_API_KEY", "LM_API_TOKEN", "LMEXTRACT_MODEL", "LMEXTRACT_SERVER")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "fake_lmstudio(...): arguments of FakeLMStudio for the fixture of that name")


@pytest.fixture
def fake_lmstudio(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLMStudio]:
    """A running FakeLMStudio; `LM_STUDIO_API_BASE` points to it, so `extract(...)` finds it by itself."""
    from lmextract.testing import FakeLMStudio

    marker = request.node.get_closest_marker("fake_lmstudio")
    args, kwargs = (marker.args, marker.kwargs) if marker else ((), {})
    with FakeLMStudio(*args, **kwargs) as fake:
        monkeypatch.setenv("LM_STUDIO_API_BASE", fake.base_url)
        for name in _FOREIGN:
            monkeypatch.delenv(name, raising=False)
        token: str | None = kwargs.get("token")
        if token is not None:
            monkeypatch.setenv("LM_STUDIO_API_KEY", token)
        yield fake


@pytest.fixture
def scripted_server() -> type[ScriptedServer]:
    """The class `ScriptedServer`: `server = scripted_server([...])`."""
    from lmextract.testing import ScriptedServer

    return ScriptedServer

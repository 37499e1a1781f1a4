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
    """A running FakeLMStudio, and `LM_STUDIO_API_BASE` points to it, so `extract(...)` finds it by itself."""
    from lmextract.testing import FakeLMStudio

    marker: pytest.Mark = request.node.get_closest_marker("fake_lmstudio") or pytest.mark.fake_lmstudio.mark
    with FakeLMStudio(*marker.args, **marker.kwargs) as fake:
        monkeypatch.setenv("LM_STUDIO_API_BASE", fake.base_url)
        for name in _FOREIGN:
            monkeypatch.delenv(name, raising=False)
        if marker.kwargs.get("token"):
            monkeypatch.setenv("LM_STUDIO_API_KEY", marker.kwargs["token"])
        yield fake


@pytest.fixture
def scripted_server() -> type[ScriptedServer]:
    """The maker of servers without a network; give it the replies."""
    from lmextract.testing import ScriptedServer

    return ScriptedServer

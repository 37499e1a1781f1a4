"""What `conftest.py` promises about every test."""

from __future__ import annotations

import os
import sys

import pytest


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "lmextract.invalid"])
def test_a_connection_beyond_this_machine_is_refused(host: str) -> None:
    with pytest.raises(AssertionError, match=host):
        sys.audit("socket.connect", None, (host, 80))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_a_connection_on_this_machine_is_not(host: str) -> None:
    sys.audit("socket.connect", None, (host, 80))


@pytest.mark.parametrize("name", ["LM_STUDIO_API_BASE", "LM_STUDIO_API_KEY", "LM_API_TOKEN", "LMEXTRACT_SERVER"])
def test_the_settings_of_whoever_runs_the_tests_are_not_seen(name: str) -> None:
    assert name not in os.environ

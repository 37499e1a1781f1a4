"""The fixtures, as someone's own test suite gets them."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

SUITE = """
import os
import urllib.request, json
import pytest
from lmextract.testing import TOKEN, Fault

def ask():
    body = json.dumps({"messages": []}).encode()
    headers = {"Authorization": "Bearer " + os.environ.get("LM_STUDIO_API_KEY", "")}
    url = os.environ["LM_STUDIO_API_BASE"] + "/chat/completions"
    request = urllib.request.Request(url, body, headers)
    return json.load(urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request))

def content():
    return ask()["choices"][0]["message"]["content"]

def test_it_runs_and_the_environment_points_to_it(fake_lmstudio):
    assert os.environ["LM_STUDIO_API_BASE"] == fake_lmstudio.base_url
    assert content().startswith("This is an invented answer")
    assert len(fake_lmstudio.calls) == 1

def test_nothing_of_the_shell_shows(fake_lmstudio):
    assert not {"LM_STUDIO_API_KEY", "LM_API_TOKEN", "LMEXTRACT_MODEL", "LMEXTRACT_SERVER"} & set(os.environ)

def test_replies_can_be_given_later(fake_lmstudio):
    fake_lmstudio.script(["later"])
    assert content() == "later"

@pytest.mark.fake_lmstudio(["mine"], token=TOKEN, models=["a-model"])
def test_the_marker_gives_arguments(fake_lmstudio):
    reply = ask()
    assert reply["model"] == "a-model"
    assert reply["choices"][0]["message"]["content"] == "mine"
    assert fake_lmstudio.calls[0].credentials == "valid"

def test_scripted_servers_are_made(scripted_server):
    assert scripted_server(["a"]).profile(None).model == "scripted-model"
"""


WRONG = (
    SUITE
    + """
def test_wrong(fake_lmstudio):
    def check(body):
        assert "model" in body, "asked the wrong way"
    fake_lmstudio.script(check)
    try:
        ask()
    except OSError:
        pass
"""
)


def run(folder: Path, suite: str, *options: str) -> str:
    (folder / "test_suite.py").write_text(suite, "utf-8")
    # Without other plugins, of which an installed lmextract is one: it is named here instead.
    environment = {
        "LM_STUDIO_API_KEY": "of-the-shell",
        "LMEXTRACT_MODEL": "same",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "lmextract.testing.pytest_plugin", "-p", "no:cacheprovider"]
    command += ["--strict-markers", "-W", "error", *options]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False).stdout


def test_the_fixtures_do_what_the_docs_say_and_a_failing_replies_function_fails_its_test(tmp_path: Path) -> None:
    report = run(tmp_path, WRONG)

    assert "6 passed, 1 error" in report
    assert "AssertionError: asked the wrong way" in report


def test_the_fixtures_are_listed_with_their_first_sentence(tmp_path: Path) -> None:
    listed = run(tmp_path, "", "--fixtures")

    assert "A running FakeLMStudio, and `LM_STUDIO_API_BASE` points to it" in listed
    assert "The maker of servers without a network; give it the replies." in listed


def test_the_package_registers_it() -> None:
    root = Path(__file__).parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]

    assert "lmextract.testing.pytest_plugin" in project["entry-points"]["pytest11"].values()

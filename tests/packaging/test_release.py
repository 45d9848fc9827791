"""The release workflow and the container file: parsed, and all they call exists. Neither can run here."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from router.base.paths import Paths
from router.config.load import load_config
from tests.packaging.machines import ROOT

WORKFLOW: dict[Any, Any] = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())
CONTAINER = ROOT / "packaging" / "container"
INSTRUCTIONS = {
    *("ARG", "FROM", "RUN", "COPY", "WORKDIR", "ENV", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "STOPSIGNAL"),
    *("ENTRYPOINT", "CMD"),
}


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE))


def steps() -> list[dict[str, Any]]:
    return [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]


def commands() -> str:
    return "\n".join(step["run"] for step in steps() if "run" in step)


def test_each_system_builds_its_own_and_the_release_waits_for_all() -> None:
    jobs = WORKFLOW["jobs"]
    assert set(jobs) == {"linux", "windows", "macos", "release"}
    assert set(jobs["release"]["needs"]) == {"linux", "windows", "macos"}
    assert "sha256sum" in commands() and "--draft" in commands()
    assert WORKFLOW["permissions"] == {"contents": "read"}


def test_everything_the_workflow_calls_exists() -> None:
    called = set(re.findall(r"^\s*make ([a-z-]+)$", commands(), re.MULTILINE))
    assert called == {"test-packaging", "deb", "bundle", "archive"} and called <= make_targets()
    for script in re.findall(r"packaging/[\w/.]+", commands()):
        assert (ROOT / script).is_file(), script
    assert {step["uses"] for step in steps() if "uses" in step} == {
        "actions/checkout@v4",
        "actions/setup-python@v5",
        "actions/upload-artifact@v4",
        "actions/download-artifact@v4",
    }


def test_pull_requests_run_the_readme_s_test_command() -> None:
    """And `yaml` reads `on:` as true."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())
    assert "pull_request" in workflow[True]
    (job,) = workflow["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == ["make test"]
    assert "make test " in (ROOT / "README.md").read_text()


def test_forms_hooks_and_bots_are_yaml() -> None:
    forms = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))
    assert [sorted(yaml.safe_load(form.read_text())) for form in forms] == [["body", "description", "name"]] * 2
    (repo,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert {hook["id"] for hook in repo["hooks"]} == {"format", "lint", "layers", "types"}
    bots = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())["updates"]
    assert all((ROOT / bot["directory"].lstrip("/")).is_dir() for bot in bots)


def test_every_make_target_says_what_it_does() -> None:
    told = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert told == make_targets()


def test_what_it_uploads_is_named_as_it_is_built() -> None:
    wanted = "\n".join(str(step["with"]["path"]) for step in steps() if "upload" in step.get("uses", ""))
    iss, dmg = (
        (ROOT / "packaging/windows/hal0.iss").read_text(),
        (ROOT / "packaging/macos/build_dmg.sh").read_text(),
    )
    assert (
        "OutputBaseFilename=hal0-{#Version}-windows-x86_64-setup" in iss and "dist/hal0-*-setup.exe" in wanted
    )
    assert "dmg=dist/hal0-$version-macos-" in dmg and "dist/hal0-*.dmg" in wanted
    assert "dist/hal0-*.tar.xz" in wanted and "dist/hal0_*.deb" in wanted and "dist/hal0-*.zip" in wanted


def test_ci_runs_the_packages_and_windows_tests() -> None:
    ci = (ROOT / ".ci/run").read_text()
    commands = [line for line in ci.splitlines() if not line.startswith("#")]
    assert re.findall(r"make ([a-z-]+)", "\n".join(commands)) == ["test", "test-packaging", "test-windows"]
    assert "HAL0_TEST_INSTALL=1" in ci


def instructions() -> list[tuple[str, str]]:
    """(instruction, its arguments), continued lines joined, comments dropped."""
    lines = [
        line for line in (CONTAINER / "Containerfile").read_text().splitlines() if not line.startswith("#")
    ]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in joined.splitlines() if line]


def test_the_container_file_is_made_of_known_instructions() -> None:
    assert {name for name, _ in instructions()} == INSTRUCTIONS
    for name, rest in instructions():
        if rest.startswith("[") or name == "HEALTHCHECK":
            assert all(isinstance(part, str) for part in json.loads(rest[rest.index("[") :]))


def test_it_copies_what_is_there_and_ends_as_nobody() -> None:
    copied = [rest.split() for name, rest in instructions() if name == "COPY" and not rest.startswith("--from")]
    assert all((ROOT / source).exists() for source, _target in copied)
    users = [rest for name, rest in instructions() if name == "USER"]
    assert users == ["10001:10001"]
    assert ("CMD", '["serve"]') in instructions()
    called = [
        word for name, rest in instructions() if name == "RUN" for word in re.findall(r"make ([a-z-]+) ", rest)
    ]
    assert set(called) - {"git"} <= make_targets()


def test_its_settings_ask_for_a_key(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("HAL0_API_KEY", "a-key-of-the-test")
    paths = Paths(CONTAINER / "hal0.yaml", *(tmp_path / name for name in ("data", "state", "logs", "cache")))
    config = load_config(paths.config_file, paths)
    assert config.server.host == "0.0.0.0" and config.server.api_keys == ("a-key-of-the-test",)
    environment = dict(
        rest.split("=", 1) for rest in " ".join(r for n, r in instructions() if n == "ENV").split()
    )
    assert environment["HAL0_CONFIG"] == "/etc/hal0/hal0.yaml"

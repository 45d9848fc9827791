"""hal0.yaml on disk: links, modes, and programs that write at the same time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from router.base.paths import Paths
from router.config.change import ConfigChange
from router.config.default import default_config
from router.config.file import GOOD_FILE, ConfigFile, last_good
from router.config.json_schema import SCHEMA_FILE, schema_text
from router.config.load import ConfigErrors
from router.config.schema import Config
from router.reload.disk import Disk


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "conf" / "hal0.yaml", *(tmp_path / n for n in ("d", "s", "l", "c")))


@pytest.fixture
def file(paths: Paths) -> ConfigFile:
    return ConfigFile(paths)


def edit(file: ConfigFile, path: str, value: Any, known: tuple[str, ...] = ()) -> None:
    file.edit([ConfigChange(tuple(path.split("/")), value)], lambda _config: known)


def test_the_first_edit_makes_a_private_file(file: ConfigFile) -> None:
    assert file.signature() is None and not file.document(Config()).exists
    edit(file, "limits/queue", 3)
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert file.parse().config.limits.queue == 3
    document = file.document(file.parse().config)
    assert document.exists and document.text == file.path.read_text()


def test_a_link_and_the_mode_stay(file: ConfigFile, tmp_path: Path) -> None:
    target = tmp_path / "dotfiles.yaml"
    target.write_text("limits: {queue: 1}\n")
    target.chmod(0o644)
    file.path.parent.mkdir()
    file.path.symlink_to(target)
    before = file.signature()
    edit(file, "limits/queue", 3)
    assert file.path.is_symlink() and target.read_text() == "limits: {queue: 3}\n"
    assert target.stat().st_mode & 0o777 == 0o644
    assert file.signature() != before


def test_what_would_not_be_valid_is_not_written(file: ConfigFile) -> None:
    edit(file, "limits/queue", 3)
    before = file.path.read_bytes()
    for path, value in (("limits/queue", -1), ("slots/a/model", "nobody"), ("server/port", "8080")):
        with pytest.raises(ConfigErrors) as refused:
            edit(file, path, value)
        assert path.replace("/", ".") in str(refused.value)
    assert file.path.read_bytes() == before
    edit(file, "slots/a/model", "somebody", known=("somebody",))
    assert file.parse().config.slots["a"].model == "somebody"


def test_a_model_that_was_missing_before_does_not_stop_another_edit(file: ConfigFile) -> None:
    edit(file, "slots/a/model", "lost", known=("lost",))
    edit(file, "limits/queue", 3)
    with pytest.raises(ConfigErrors):
        edit(file, "slots/b/model", "lost too")


def test_an_edit_mends_a_file_that_was_not_valid(file: ConfigFile) -> None:
    file.path.parent.mkdir()
    file.path.write_text("limits: {queue: none}\n")
    edit(file, "limits/queue", 3)
    assert file.path.read_text() == "limits: {queue: 3}\n"


def test_another_programs_change_is_kept(file: ConfigFile) -> None:
    edit(file, "limits/queue", 3)
    interrupted: list[int] = []

    def known(_config: Config) -> tuple[str, ...]:
        """Between reading and writing an editor saves the file."""
        if not interrupted:
            interrupted.append(1)
            file.path.write_text("# theirs\nlimits: {queue: 3}\nserver: {port: 9000}\n")
        return ()

    file.edit([ConfigChange(("limits", "wait"), 5)], known)
    assert file.path.read_text() == "# theirs\nlimits: {queue: 3, wait: 5}\nserver: {port: 9000}\n"


def test_a_file_that_never_rests_is_left_alone(file: ConfigFile) -> None:
    edit(file, "limits/queue", 3)
    sizes = iter(range(100))

    def known(_config: Config) -> tuple[str, ...]:
        file.path.write_text(f"# {'x' * next(sizes)}\nlimits: {{queue: 3}}\n")
        return ()

    with pytest.raises(ConfigErrors, match="keeps changing"):
        file.edit([ConfigChange(("limits", "wait"), 5)], known)
    assert "wait" not in file.path.read_text()


def test_unreadable_files_are_told(file: ConfigFile) -> None:
    file.path.parent.mkdir()
    file.path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigErrors, match="UTF-8"):
        file.document(Config())
    file.path.unlink()
    file.path.mkdir()
    with pytest.raises(ConfigErrors, match="cannot be read"):
        edit(file, "limits/queue", 3)


class TestSchema:
    """The JSON Schema lies where the first line of a hal0.yaml says that it does."""

    def test_a_file_that_hal0_makes_has_it(self, file: ConfigFile) -> None:
        edit(file, "limits/queue", 3)
        first = file.path.read_text(encoding="utf-8").splitlines()[0]
        assert first == f"# yaml-language-server: $schema=./{SCHEMA_FILE}"
        assert file.path.with_name(SCHEMA_FILE).read_text(encoding="utf-8") == schema_text()
        edit(file, "limits/queue", 4)
        assert file.path.read_text(encoding="utf-8").splitlines()[0] == first

    @pytest.mark.parametrize(
        "text", ["# yaml-language-server: $schema=hal0.schema.json\n", "# $schema=./hal0.schema.json"]
    )
    def test_an_old_one_is_replaced_at_the_start(self, file: ConfigFile, text: str) -> None:
        file.path.parent.mkdir()
        file.path.write_text(text)
        schema = file.path.with_name(SCHEMA_FILE)
        schema.write_text("{}")
        file.refresh_schema()
        assert schema.read_text(encoding="utf-8") == schema_text()
        made = schema.stat().st_mtime_ns
        file.refresh_schema()
        assert schema.stat().st_mtime_ns == made

    @pytest.mark.parametrize("text", [None, "", "limits: {queue: 3}\n", "# see hal0.schema.json\n"])
    def test_none_is_put_beside_a_file_that_does_not_ask(self, file: ConfigFile, text: str | None) -> None:
        file.path.parent.mkdir()
        if text is not None:
            file.path.write_text(text)
        file.refresh_schema()
        assert not file.path.with_name(SCHEMA_FILE).exists()

    def test_where_it_cannot_be_written_all_goes_on(self, file: ConfigFile) -> None:
        file.path.parent.mkdir()
        file.path.write_text(f"# $schema=./{SCHEMA_FILE}\n")
        file.path.with_name(SCHEMA_FILE).mkdir()
        file.refresh_schema()
        assert file.path.with_name(SCHEMA_FILE).is_dir()


def test_the_last_text_that_was_valid_is_kept(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    file = ConfigFile(paths.create())
    paths.config_file.parent.mkdir()
    assert file.keep_good() and last_good(paths) is None, "without a file the defaults work"
    paths.config_file.write_text("server: {port: 9123}  # mine\n")
    assert file.keep_good()
    paths.config_file.write_text("server: {port: none}\n")
    assert not file.keep_good()
    kept = last_good(paths)
    assert kept is not None and kept.server.port == 9123 and kept.source == paths.config_file
    assert (paths.state / GOOD_FILE).stat().st_mode & 0o777 == 0o600
    paths.config_file.write_text("server: {port: 9123, api_keys: [sesame-of-mine]}\n")
    assert file.keep_good() and last_good(paths) is None, "keys stand in no file but hal0.yaml"
    monkeypatch.setenv("KEY", "sesame-of-mine")
    paths.config_file.write_text("server: {port: 9123, api_keys: [env:KEY]}\n")
    assert file.keep_good() and (paths.state / GOOD_FILE).exists()
    (paths.state / GOOD_FILE).write_text("server: [\n")
    assert last_good(paths) is None


def test_a_broken_file_that_hal0_did_not_start_with_is_noticed(paths: Paths) -> None:
    paths.create().config_file.parent.mkdir()
    paths.config_file.write_text("server: {port: none}\n")
    disk = Disk(paths, None, default_config(paths))
    assert disk.seen != disk.file.signature()
    paths.config_file.write_text("server: {port: 9124}\n")
    assert disk.read().server.port == 9124 and disk.seen == disk.file.signature()
    kept = last_good(paths)
    assert kept is not None and kept.server.port == 9124

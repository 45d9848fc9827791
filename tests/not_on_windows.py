"""The tests that Windows does not run, each with its reason: never that it was hard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

_SHELL = "its engine or program is a shell script"
_MODES = "Windows has no permission bits; a person's folders are theirs by their access lists"
_SIGNALS = "about POSIX signals, which Windows does not have"
_LINUX = "about a part of hal0 that only Linux has"
_COLON = "llama-server splits FILE:SCALE at the colon: no path with a drive can have a scale (hal0 says so)"
_OLDER = "the table is a newer llama-server's than the one that PyPI has to build from"
_LINKS = "Wine makes no symbolic links: it says that it did"
_NODES = "Windows has no FIFOs and sockets among its files"
_TEXT = "a name that is no text, or holds line breaks, cannot be on Windows"
_CASE = "Windows finds a file whatever the case of its name"
_WORDS = "Windows has its own words for an error"
_FULL = "POSIX's limits, or a device of Linux's, make its full disk"
_BROWSER = "Windows' own platform says of every address that it was opened"
_TRAY = "Windows always has a tray"
_LOGIN = "looks for Linux' file; the Run key, of whoever runs the tests, is looked at by test_autostart.py"
_NO_PIP = "the Python of these tests has no pip, which is what it says instead"
_LISTENER = "Windows lets no second program listen on a port"
_SESSION = "about a POSIX session; the Job Object is looked at by others"
_TIMES = "Wine tells no CPU time, reads or memory of another process"
_PROGRAMS = "runs a program that is Linux's here"

_ENGINE = "tests/router/engine"
_FLAGS = "tests/router/config/test_flag_values.py::TestPaths"
_FIRST_LIGHT = "tests/e2e/test_first_light.py"
_SCAN = "tests/router/catalog/test_scan.py"
_MODELS = "tests/router/catalog/test_models.py"
_KEEPER = "tests/router/activity/test_keeper.py"
_PROCESS = "tests/router/engine/test_process.py"
_METRICS = "tests/router/activity/test_metrics.py"

ROOT: Final = Path(__file__).resolve().parents[1]
NOT_ON_WINDOWS: Final[Mapping[str, str]] = {
    "tests/clients": "real clients in environments of their own, which are Linux's here",
    "tests/cluster": "Ray Serve in an environment of its own, which is Linux's here",
    "tests/desktop": "an X11 and D-Bus session is Linux's",
    "tests/packaging": "the packages of other systems",
    "tests/page": "a Chromium, which is Linux's here",
    "tests/test_surroundings.py": _SIGNALS,
    "tests/app/test_surroundings.py": "its surroundings are a POSIX shell's",
    "tests/app/test_sd_notify.py": _LINUX,
    "tests/app/test_service_command.py": _LINUX,
    "tests/app/test_translate.py::test_every_text_goes_through_qts_tools_and_back": _PROGRAMS,
    "tests/app/test_journal.py::test_a_terminal_that_knows_few_letters_is_written_to": _TEXT,
    "tests/app/test_cli.py::test_ctrl_c_in_a_terminal_ends_it_quietly": _SIGNALS,
    "tests/app/test_first_run_page.py::test_start_at_login_is_off_until_a_person_wants_it": _LOGIN,
    "tests/app/test_first_run_page.py::test_a_login_entry_that_cannot_be_written_is_told": _LOGIN,
    "tests/app/test_tray.py::test_without_a_tray_nothing_is_shown_and_messages_are_dropped": _TRAY,
    "tests/app/test_actions.py::test_without_a_browser_it_says_where_the_page_is": _BROWSER,
    "tests/app/test_upstream_key.py": "types at a terminal, which is a POSIX one here",
    "tests/app/connect/test_files.py::test_a_file_comes_back_byte_for_byte": _MODES,
    "tests/app/connect/test_files.py::test_a_file_that_hal0_made_goes_again": _MODES,
    "tests/app/connect/test_files.py::test_a_link_stays_a_link": _LINKS,
    "tests/app/test_editor.py::test_the_preferred_editor_is_started": _SHELL,
    "tests/router/power/test_logind.py": _LINUX,
    "tests/e2e/test_keep_awake.py": _LINUX,
    "tests/router/test_mounts.py": _LINUX,
    "tests/router/test_sock_diag.py": _LINUX,
    "tests/router/engine/test_install_debian.py": _LINUX,
    f"{_PROCESS}::test_its_own_command_ends_it": _SIGNALS,
    f"{_PROCESS}::test_a_command_that_does_not_end_it_leaves_it_to_signals": _SIGNALS,
    "tests/router/base/test_files.py::test_a_new_file_and_its_folders_are_private": _MODES,
    "tests/router/base/test_files.py::test_an_old_file_is_replaced_and_becomes_private": _MODES,
    "tests/router/config/test_file.py::test_the_first_edit_makes_a_private_file": _MODES,
    "tests/router/config/test_file.py::test_a_link_and_the_mode_stay": _MODES,
    "tests/router/config/test_file.py::test_the_last_text_that_was_valid_is_kept": _MODES,
    f"{_FIRST_LIGHT}::test_started_by_nohup_it_outlives_the_terminal_and_still_ends_well": _SIGNALS,
    f"{_FIRST_LIGHT}::test_the_end_of_its_terminal_ends_it_well": _SIGNALS,
    "tests/e2e/test_reload.py::test_a_link_and_its_targets_mode_survive_an_edit": _LINKS,
    f"{_FLAGS}::test_every_flag_that_takes_a_path_resolves_it[lora-scaled": _COLON,
    f"{_FLAGS}::test_every_flag_that_takes_a_path_resolves_it[control_vector_scaled": _COLON,
    f"{_FLAGS}::test_what_cannot_be_a_path_is_told[lora-scaled: 'a.gguf:0,5'": _COLON,
    f"{_FLAGS}::test_what_is_missing_is_found_again_in_what_the_engine_is_given": _COLON,
    "tests/router/config/test_flag_values.py::TestTheEngine::test_every_number_is_known": _OLDER,
    "tests/router/catalog/test_gguf.py::test_unreadable_paths": _WORDS,
    "tests/router/catalog/test_ollama.py::test_whatever_lies_in_the_store_the_others_are_offered": _NODES,
    f"{_MODELS}::test_a_file_that_is_not_there_says_what_may_be_meant[Alpha.gguf": _CASE,
    f"{_MODELS}::test_a_model_that_may_lie_in_a_folder_that_is_not_there_says_which": _WORDS,
    f"{_SCAN}::test_parts_that_llama_server_would_not_find": _CASE,
    f"{_SCAN}::test_links_are_followed_once": _LINKS,
    f"{_SCAN}::test_every_link_to_a_file_is_a_name_of_it": _LINKS,
    f"{_SCAN}::test_the_plain_id_is_the_version_refs_main_names": _LINKS,
    f"{_SCAN}::test_where_refs_main_leads_nowhere_the_newest_version_has_the_name": _LINKS,
    f"{_SCAN}::test_versions_in_folders_of_a_repository_are_told_apart_by_their_commit": _LINKS,
    f"{_SCAN}::test_one_blob_in_two_versions_is_one_model": _LINKS,
    f"{_SCAN}::test_a_name_that_is_no_text_is_told_and_harms_no_other": _TEXT,
    f"{_SCAN}::test_a_folder_whose_name_is_no_text_is_looked_into": _TEXT,
    f"{_SCAN}::test_files_that_are_no_files": _NODES,
    f"{_SCAN}::test_unlistable_folders_are_skipped_and_logged": _WORDS,
    f"{_KEEPER}::test_its_log_is_as_private": _MODES,
    f"{_KEEPER}::test_a_file_that_is_taken_away_is_made_anew": "nobody can take away an open file there",
    "tests/router/memory/test_amd.py": _LINUX,
    f"{_ENGINE}/test_install_archive.py::test_links_inside_and_exec_bits_survive_and_libraries_join": _LINUX,
    f"{_ENGINE}/test_install_release.py::test_when_everything_fails_every_reason_is_told": _NO_PIP,
    f"{_ENGINE}/test_command.py::TestBrokenEngines::test_whose_fault_it_is": _SHELL,
    f"{_ENGINE}/test_options.py::TestOtherPrograms::test_a_changed_file_is_asked_again": _SHELL,
    f"{_ENGINE}/test_options.py::TestOtherPrograms::test_another_program": _SHELL,
    f"{_ENGINE}/test_options.py::TestOtherPrograms::test_one_that_hangs_is_stopped": _SHELL,
    f"{_ENGINE}/test_options.py::TestOtherPrograms::test_a_file_that_cannot_be_run": _WORDS,
    f"{_ENGINE}/test_ports.py::test_a_second_listener_is_noticed_though_its_bind_succeeded": _LISTENER,
    f"{_ENGINE}/test_process.py::test_an_engine_that_dies_is_noticed_though_a_helper_holds_its_pipes": _SESSION,
    f"{_ENGINE}/test_readiness.py::test_what_is_read_of_the_file_is_an_estimate": _TIMES,
    f"{_ENGINE}/test_readiness.py::test_an_engine_that_works_is_waited_for_longer_than_a_stall": _TIMES,
    "tests/router/memory/test_companions.py::test_a_draft_with_its_cache_and_buffers[flags3": _OLDER,
    "tests/router/hub/test_pull.py::test_a_full_disk_is_one_sentence_and_can_be_gone_on_with": _FULL,
    f"{_KEEPER}::test_a_full_disk_costs_the_records_and_nothing_else": _FULL,
    f"{_METRICS}::test_prometheus_finds_nothing_to_complain_of": _PROGRAMS,
    f"{_METRICS}::test_a_real_prometheus_reads_it_and_answers_the_dashboard": _PROGRAMS,
}
"""A folder, a file, a test or the beginning of its parameters, as pytest names it, and why it is left out."""


def reason(node: str) -> str | None:
    """Return why the test `node` (`tests/a/test_b.py::Class::test_c[x]`) is left out; None: it runs."""
    return next((why for name, why in NOT_ON_WINDOWS.items() if _holds(name, node)), None)


def _holds(name: str, node: str) -> bool:
    return node == name or node.startswith((f"{name}/", f"{name}::", name if "[" in name else f"{name}["))

"""Settings: where they come from, and how everything that is wrong with them is said at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from dotenv import dotenv_values

from alma.cli.settings import env_file, page
from alma.config import described, environment, load_settings
from alma.errors import SettingsInvalid
from alma.settings import Settings


def problems(environ: dict[str, str], dotenv: Path = Path("no such file"), **overrides: object) -> list[str]:
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(overrides, environ=environ, dotenv=dotenv)
    return caught.value.problems


def test_nothing_needs_to_be_set(tmp_path: Path) -> None:
    settings = load_settings(environ={}, dotenv=tmp_path / ".env")
    assert settings == Settings()
    assert settings.host == "127.0.0.1"
    assert settings.database.endswith("/.alma/alma.db")


def test_command_line_goes_before_environment_goes_before_dotenv(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("ALMA_PORT=1001\nALMA_MAX_ATTEMPTS=5\nALMA_LOG_LEVEL=debug\n")
    settings = load_settings({"port": "3003"}, environ={"ALMA_PORT": "2002", "ALMA_MAX_ATTEMPTS": "6"}, dotenv=dotenv)
    assert (settings.port, settings.max_attempts, settings.log_level) == (3003, 6, "debug")


def test_an_option_that_was_not_given_and_an_empty_variable_leave_the_default() -> None:
    settings = load_settings({"port": None}, environ={"ALMA_PORT": "", "ALMA_MODEL": "  "}, dotenv=Path("none"))
    assert (settings.port, settings.model) == (8000, None)


def test_every_problem_is_named_at_once_with_variable_expectation_and_value(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("ALMA_MAX_ATTEMPTS=0\n")
    found = problems(
        {
            "ALMA_PORT": "http",
            "ALMA_LOG_LEVEL": "loud",
            "ALMA_EMBEDDED": "perhaps",
            "ALMA_DATABASE_URL": "mysql://me:secret@host/db",
            "ALMA_GGUF": str(tmp_path / "none.gguf"),
            "ALMA_ALLOWED_ORIGINS": "http://localhost:3000, localhost",
        },
        dotenv,
        stall_timeout_s="-1",
    )
    said = "\n".join(found)
    assert len(found) == 8
    assert "ALMA_PORT: expected a whole number from 0 to 65535, got 'http'" in found
    assert f"ALMA_MAX_ATTEMPTS in {dotenv}: expected a whole number from 1 to 20, got '0'" in found
    assert "--stall-timeout-s: expected a number from 0.05 to 3600, got '-1'" in found
    assert "ALMA_LOG_LEVEL: expected one of debug, info, warning, error, got 'loud'" in found
    assert "ALMA_EMBEDDED: expected true or false, got 'perhaps'" in found
    assert "ALMA_GGUF: expected the path of a model file in GGUF format" in said
    assert "ALMA_ALLOWED_ORIGINS: expected origins such as" in said
    assert "secret" not in said


def test_an_unknown_variable_is_a_problem_and_the_near_one_is_suggested(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("ALMA_MODLES_FILE=x.toml\n")
    first, second = problems({"ALMA_PROT": "1", "OTHER_PROT": "1"}, dotenv)
    assert "ALMA_MODLES_FILE" in first
    assert "did you mean ALMA_MODELS_FILE?" in first
    assert "ALMA_PROT" in second
    assert "did you mean ALMA_PORT?" in second


def test_the_prefix_that_all_share_makes_no_name_alike() -> None:
    [problem] = problems({"ALMA_FOO": "1"})
    assert "did you mean" not in problem
    [problem] = problems({"ALMA_OPENAI_API_KEY": "1"})
    assert "did you mean OPENAI_API_KEY?" in problem


@pytest.mark.parametrize("host", ["example.org", "everywhere", "127.0.0.1:80"])
def test_what_is_no_address_of_this_machine_is_refused(host: str) -> None:
    [problem] = problems({"ALMA_HOST": host})
    assert f"got '{host}'" in problem
    assert "access tokens" in problem


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "0.0.0.0", "192.168.1.5", "::"])
def test_every_address_of_a_machine_will_do(host: str) -> None:
    assert load_settings(environ={"ALMA_HOST": host}, dotenv=Path("none")).host == host


def test_a_broken_line_in_dotenv_is_shown_with_its_number(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("ALMA_PORT=9000\nthis is no setting\n")
    [problem] = problems({}, dotenv)
    assert problem == f"{dotenv} line 2: expected NAME=value, got 'this is no setting'"


def test_a_dotenv_that_is_no_text_is_a_problem(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_bytes(b"ALMA_PORT=\xff\xfe\n")
    [problem] = problems({}, dotenv)
    assert "UTF-8" in problem


def test_the_longest_task_must_fit_into_a_frame() -> None:
    [problem] = problems({"ALMA_MAX_PROMPT_CHARS": "2000000"})
    assert problem.startswith("ALMA_MAX_PROMPT_CHARS: expected ALMA_MAX_FRAME_BYTES to be at least four times")


def test_a_models_file_that_was_named_must_exist(tmp_path: Path) -> None:
    [problem] = problems({"ALMA_MODELS_FILE": str(tmp_path / "mine.toml")})
    assert "expected a file that exists" in problem


def test_problems_of_the_models_file_come_together_with_the_others(tmp_path: Path) -> None:
    models = tmp_path / "mine.toml"
    models.write_text("")
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(
            environ={"ALMA_MODELS_FILE": str(models), "ALMA_PORT": "x"},
            dotenv=Path("none"),
            check_models=lambda path: [f"{path.name}: endpoint without a name"],
        )
    assert len(caught.value.problems) == 2
    assert caught.value.problems[1] == "mine.toml: endpoint without a name"


def test_a_key_is_not_shown_by_printing_the_settings() -> None:
    settings = load_settings(environ={"OPENAI_API_KEY": "sk-very-secret"}, dotenv=Path("none"))
    assert "sk-very-secret" not in repr(settings)
    assert settings.openai_api_key is not None
    assert settings.openai_api_key.get_secret_value() == "sk-very-secret"


def test_the_environment_is_completed_by_dotenv(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("MY_KEY=from-file\nOTHER=from-file\n")
    assert environment({"OTHER": "outer"}, dotenv) == {"MY_KEY": "from-file", "OTHER": "outer"}


def test_every_setting_is_described() -> None:
    for setting in described().values():
        assert setting.description.endswith("."), setting.variable
        assert setting.expected, setting.variable


def test_the_settings_page_is_the_one_made_from_the_schema(root: Path) -> None:
    assert (root / "docs/settings.md").read_text() == page(list(described().values())), "run `make docs`"


def test_the_example_file_is_the_one_made_from_the_schema(root: Path) -> None:
    assert (root / ".env.example").read_text() == env_file(list(described().values())), "run `make docs`"


def test_the_example_file_uncommented_says_the_defaults(root: Path, tmp_path: Path) -> None:
    lines = (root / ".env.example").read_text().splitlines()
    dotenv = tmp_path / ".env"
    dotenv.write_text("\n".join(line.removeprefix("# ") for line in lines if re.match(r"# [A-Z_]+=", line)))
    assert len(dotenv_values(dotenv)) == len(Settings.model_fields)
    assert load_settings(environ={}, dotenv=dotenv) == Settings()


@pytest.mark.parametrize("port", ["99999", "http", "-1"])
def test_a_port_that_is_none_is_refused_in_an_address(port: str) -> None:
    (said,) = problems({"ALMA_ALERT_WEBHOOK": f"https://hooks.example.org:{port}/alma"})
    assert "ALMA_ALERT_WEBHOOK: expected an address" in said


@pytest.mark.parametrize("name", ["ALMA_ALERT_WEBHOOK", "ALMA_TRACE_URL"])
def test_where_something_is_sent_is_a_whole_address(name: str) -> None:
    for wrong in ("foo", "hooks.example.org/in", "ftp://example.org", "https://", "http://h:port"):
        (problem,) = problems({name: wrong})
        assert problem.startswith(f"{name}: expected an address that begins with http:// or https://")
    load_settings(environ={name: "https://hooks.example.org/in?key=1"}, dotenv=Path("none"))

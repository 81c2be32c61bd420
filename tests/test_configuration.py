"""`.schemalint.yml`: what it may say, and what is said of a mistake in it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from time import perf_counter

import pytest

from schemalint.configuration import Configuration, ConfigurationError, configuration_for
from schemalint.configuration.settings import Ignored, Mirror, Roles, Runner


def error_of(folder: Path, text: str | bytes) -> str:
    (folder / ".schemalint.yml").write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ConfigurationError) as caught:
        configuration_for(folder)
    message = str(caught.value)
    assert "\n" not in message
    return message


def read(folder: Path, text: str) -> Configuration:
    (folder / ".schemalint.yml").write_text(text, encoding="utf-8")
    return configuration_for(folder)


def test_none_is_needed(tmp_path: Path) -> None:
    assert configuration_for(tmp_path) == Configuration()
    assert Configuration().search_path == ("$user", "public")
    assert (Configuration().postgres, Configuration().fail_on) == (18, "error")


@pytest.mark.parametrize("text", ["", "# nothing\n"])
def test_an_empty_file(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == Configuration()


def test_all_keys(tmp_path: Path) -> None:
    configuration = read(
        tmp_path,
        "\ufeffmigrations: db/own\n"
        "severity: {breaks/required-column: off, loses: info}\n"
        "postgres: 15\n"
        "search_path: [app, public]\n"
        "fail_on: warning\n",
    )
    assert configuration.migrations == tmp_path / "db/own"
    assert configuration.severity == {"breaks/required-column": "off", "loses/": "info"}
    assert configuration.postgres == 15
    assert configuration.search_path == ("app", "public")
    assert configuration.fail_on == "warning"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fail_on: error\npostgrse: 18\n", "2: unknown key 'postgrse' (did you mean 'postgres'?)"),
        ("zzz: 18\n", "1: unknown key 'zzz'"),
        ('postgres: "18"\n', "1: postgres must be a whole number such as 18, not the string '18'"),
        ("postgres: 18.1\n", "1: postgres must be a whole number such as 18, not '18.1'"),
        ("postgres: 99\n", "1: postgres must be from 12 to 18, not 99"),
        ("postgres: 11\n", "1: postgres must be from 12 to 18, not 11"),
        ("postgres: [18]\n", "1: postgres must be a whole number such as 18, not a list"),
        ("migrations:\n  - a\n", "2: migrations must be a string, not a list"),
        ("migrations: 5\n", "1: migrations must be a string, not '5'"),
        ("migrations:\n", "1: migrations must be a string, not nothing"),
        ("search_path: public\n", "1: search_path must be a list of strings, not 'public'"),
        ("search_path: [1]\n", "1: each entry of search_path must be a string, not '1'"),
        ("severity: error\n", "1: severity must be a mapping (key: value), not 'error'"),
        (
            "severity:\n  # why\n  breaks/required-colum: off\n",
            "3: unknown rule or group 'breaks/required-colum' (did you mean 'breaks/required-column'?)",
        ),
        (
            "severity:\n  breaks: warn\n",
            "2: the severity of breaks must be error, warning, info or off, not 'warn' (did you mean 'warning'?)",
        ),
        ("fail_on: false\n", "1: fail_on must be error, warning, info or never, not 'false'"),
        ("postgres: 18\npostgres: 17\n", "2: 'postgres' stands there twice"),
        ("- a\n", "1: the configuration must be a mapping (key: value), not a list"),
        ("a: [\n", "2: not valid YAML: did not find expected node content"),
        ("a: 1\n---\nb: 1\n", "2: not valid YAML: but found another document"),
        ("fail_on: !!python/object:os.system x\n", "1: tags (!name) are not allowed here"),
        ("? [a]\n: b\n", "1: a key of the configuration must be a word, not a list"),
    ],
)
def test_mistakes_are_said_with_their_line(tmp_path: Path, text: str, message: str) -> None:
    assert error_of(tmp_path, text) == f".schemalint.yml:{message}"


def test_files_that_are_no_configuration(tmp_path: Path) -> None:
    assert error_of(tmp_path, b"\xff\xfe") == ".schemalint.yml: not UTF-8"
    assert error_of(tmp_path, b"#" * 10_000_000) == ".schemalint.yml: larger than 250,000 bytes"
    assert "not valid YAML" in error_of(tmp_path, b"\1")


def test_bombs_are_turned_away_at_once(tmp_path: Path) -> None:
    aliases = "a: &a [x]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{f'*{chr(97 + n)},' * 9}]\n" for n in range(20))
    assert error_of(tmp_path, aliases) == ".schemalint.yml:2: aliases (*name) are not allowed here"
    assert error_of(tmp_path, "a: " + "[" * 100_000) == ".schemalint.yml:1: nested too deeply"


def test_the_nearest_file_up_to_the_root_of_the_repository(tmp_path: Path) -> None:
    inner = tmp_path / "repository/packages/one"
    inner.mkdir(parents=True)
    (tmp_path / ".schemalint.yml").write_text("fail_on: info\n")
    (tmp_path / "repository/.git").mkdir()
    assert configuration_for(inner).fail_on == "error"
    (tmp_path / "repository/.schemalint.yml").write_text("fail_on: warning\nmigrations: db\n")
    assert configuration_for(inner).fail_on == "warning"
    assert configuration_for(inner).migrations == tmp_path / "repository/db"
    (inner / ".schemalint.yml").write_text("fail_on: never\n")
    assert configuration_for(inner).fail_on == "never"


def test_outside_of_a_repository_only_the_directory_itself_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / ".schemalint.yml").write_text("fail_on: info\n")
    assert configuration_for(tmp_path / "inner").fail_on == "error"


def test_the_file_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "own.yml").write_text("fail_on: info\n")
    assert configuration_for(tmp_path, Path("own.yml")).fail_on == "info"
    with pytest.raises(ConfigurationError, match=r"^nope\.yml: does not exist$"):
        configuration_for(tmp_path, Path("nope.yml"))
    with pytest.raises(ConfigurationError, match=r"^\.: not a file$"):
        configuration_for(tmp_path, Path("."))


# -- the shapes of entries


def test_decisions_and_contracts(tmp_path: Path) -> None:
    configuration = read(
        tmp_path,
        "select: [breaks, loses/row-filtered]\n"
        "ignore:\n"
        "  - fails\n"
        "  - rule: breaks/required-column\n"
        "    because: the writer is off\n"
        "    until: 2026-12-31\n"
        "    path: 'db/**'\n"
        "roles: {migrates: owner, writes: [app]}\n"
        "runner: {transaction: false, search_path: [], lock_timeout: 5s}\n"
        "mirrors:\n"
        "  - {source: public.a, target: public.b, left_out: [x], one_way: true, insert_only: true, retired: true}\n",
    )
    assert configuration.select == ("breaks/", "loses/row-filtered")
    group, decision = configuration.ignore
    assert group == "fails/"
    assert isinstance(decision, Ignored)
    assert (decision.rule, decision.because, decision.path) == ("breaks/required-column", "the writer is off", "db/**")
    assert decision.until == date(2026, 12, 31)
    assert configuration.line("ignore", 1) == 4
    assert configuration.runner == Runner(transaction=False, search_path=(), lock_timeout="5s")
    assert configuration.roles == Roles("owner", ("app",))
    assert configuration.mirrors == (Mirror("public.a", "public.b", ("x",), True, True, True),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ignore:\n  - rule: breaks/required-column\n", "2: each entry of ignore needs the key 'because'"),
        ("ignore:\n  - rule: breaks\n    because: ''\n", "3: each entry of ignore.because must be a string, not nothing"),
        ("ignore:\n  - rule: breaks\n    because: ' '\n", "3: each entry of ignore.because must not be blank"),
        ("ignore:\n  - rule: breaks\n    because: x\n    until: soon\n", "4: each entry of ignore.until must be a date such as"),
        ("ignore:\n  - {rule: breaks, because: x, until: 2026-02-30}\n", "2: each entry of ignore.until must be a date such as"),
        ("ignore:\n  - rule: braeks\n    because: x\n", "2: unknown rule or group 'braeks' (did you mean 'breaks/'?)"),
        ("ignore: [required-column]\n", "1: unknown rule or group 'required-column' (did you mean 'breaks/required-column'?)"),
        ("runner:\n  transaction: maybe\n", "2: runner.transaction must be true or false, not 'maybe'"),
        ("runner:\n  lock_timeout: soon\n", "2: runner.lock_timeout must be such as 5s or 500ms, not 'soon'"),
        ("mirrors:\n  - source: a\n", "2: each entry of mirrors needs the key 'target'"),
        ("mirrors:\n  - source: a\n    target: b\n    oneway: true\n", "4: unknown key 'oneway' (did you mean 'one_way'?)"),
        ("mirrors:\n  - source: a.b.c\n    target: b\n", "2: each entry of mirrors.source must be such as public.messages"),
        ("mirrors:\n  - source: ''\n    target: b\n", "2: each entry of mirrors.source must be a string"),
        ("mirrors:\n  source: a\n", "2: mirrors must be a list, not a mapping"),
    ],
)
def test_mistakes_in_them(tmp_path: Path, text: str, message: str) -> None:
    assert error_of(tmp_path, text).startswith(f".schemalint.yml:{message}")


# -- pyproject.toml


def test_the_table_in_pyproject(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "a"\n\n[tool.schemalint]\nfail_on = "warning"\nmigrations = "db"\n\n'
        '[tool.schemalint.runner]\ntransaction = false\n\n[[tool.schemalint.ignore]]\nrule = "breaks"\nbecause = "x"\n'
        'until = 2026-12-31\n\n[[tool.schemalint.ignore]]\nrule = "loses"\nbecause = "y"\n'
    )
    configuration = configuration_for(tmp_path)
    assert configuration.fail_on == "warning"
    assert configuration.migrations == tmp_path / "db"
    assert not configuration.runner.transaction
    assert [each.rule for each in configuration.ignore if isinstance(each, Ignored)] == ["breaks/", "loses/"]
    assert [configuration.line("ignore", number) for number in range(2)] == [12, 17]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.schemalint]\nfail_on = 'error'\npostgrse = 18\n", "3: unknown key 'postgrse' (did you mean 'postgres'?)"),
        ("[tool.schemalint]\npostgres = '18'\n", "2: postgres must be a whole number such as 18, not the string '18'"),
        ("[tool]\nschemalint = 1\n", "2: the configuration must be a mapping (key: value), not '1'"),
        ("[tool.schemalint]\na = \n", "2: not valid TOML: Invalid value"),
        ("[tool.schemalint]\nfail_on = 'info'\nfail_on = 'info'\n", "3: not valid TOML: Cannot overwrite a value"),
        ("[tool.schemalint]\na = " + "[" * 5000, "1: nested too deeply"),
        ("[tool.schemalint]\na" + ".a" * 5000 + " = 1", "2: nested too deeply"),
    ],
)
def test_mistakes_in_it(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        configuration_for(tmp_path)
    assert str(caught.value).startswith(f"pyproject.toml:{message}")


def test_a_pyproject_of_others_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".schemalint.yml").write_text("fail_on: info\n")
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "pyproject.toml").write_text('[project]\ndependencies = ["schemalint"]\n')
    assert configuration_for(inner).fail_on == "info"
    (inner / "pyproject.toml").write_text("broken [")
    assert configuration_for(inner).fail_on == "info"


def test_two_in_one_folder(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.schemalint]\n")
    (tmp_path / ".schemalint.yml").write_text("")
    with pytest.raises(ConfigurationError, match=r"^\.schemalint\.yml and pyproject\.toml both configure schemalint: keep one"):
        configuration_for(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "- a\n" * 60_000,
        "".join(f"k{n}: 1\n" for n in range(25_000)),
        "a: '" + "\n" * 240_000,
        "{" * 240_000,
        "a: " + "x" * 240_000,
        "? " * 120_000,
        "migrations: !!binary " + "A" * 200_000,
    ],
    ids=["list", "keys", "open string", "braces", "long word", "question marks", "binary"],
)
def test_hostile_files_take_bounded_time(tmp_path: Path, text: str) -> None:
    started = perf_counter()
    (tmp_path / ".schemalint.yml").write_text(text)
    try:
        configuration_for(tmp_path)
    except ConfigurationError as error:
        assert len(str(error)) < 500
    assert perf_counter() - started < 5

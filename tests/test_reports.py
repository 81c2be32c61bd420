"""Reports made by hand, and the very text that is printed of them."""

from __future__ import annotations

import io
import json

import pytest

from schemalint import __version__
from schemalint.finding import Certainty, Finding, Place, Report, Severity, Sync, Unmodelled
from schemalint.report import json as as_json
from schemalint.report import text as as_text
from schemalint.report.color import wants_color
from schemalint.report.marked import LONGEST, cells, marked_lines
from schemalint.text import Source, Span

MIGRATION = Source("supabase/migrations/20251105_x.sql", "ALTER TABLE messages ADD COLUMN required_field text NOT NULL;\n")
FUNCTION = Source(
    "supabase/migrations/20251101000002_sync.sql",
    "-- the sync\n" * 27 + "  INSERT INTO messages (\n    id\n  ) VALUES (NEW.id);\n",
)
SYNC = Sync("public.messages_v2", "public.messages", "sync_messages_v2_insert", "public.sync()")


def found(text: str, source: Source) -> Span:
    start = source.text.index(text)
    return Span(source, start, start + len(text))


def finding(span: Span, severity: Severity = Severity.ERROR, certainty: Certainty = Certainty.CERTAIN, **more: object) -> Finding:
    values: dict[str, object] = {"rule": "breaks/example", "message": "it breaks", "fingerprint": "0123456789abcdef"}
    return Finding(severity=severity, certainty=certainty, span=span, **{**values, **more})  # type: ignore[arg-type]


def report(*findings: Finding, migrations: int = 12, checked: int = 12, **more: object) -> Report:
    unmodelled: tuple[Unmodelled, ...] = ()
    return Report(**{"findings": findings, "unmodelled": unmodelled, "migrations": migrations, "checked": checked, **more})  # type: ignore[arg-type]


def the_seed() -> Report:
    return report(
        finding(
            found("ADD COLUMN required_field", MIGRATION),
            rule="breaks/required-column",
            message="every INSERT into public.messages_v2 fails",
            sync=SYNC,
            related=(Place(found("messages", Source(FUNCTION.path, FUNCTION.text)), "required_field is left out here"),),
            sqlstate="23502",
            answer='23502 null value in column "required_field"',
            witness="INSERT INTO messages_v2 DEFAULT VALUES;",
            help="give it a default:\n  ALTER TABLE messages …;\nthen replace the function",
        )
    )


def test_text_of_a_finding() -> None:
    assert (
        as_text.render(the_seed(), color=False)
        == """\
error[breaks/required-column]: every INSERT into public.messages_v2 fails
  --> supabase/migrations/20251105_x.sql:1:22
   |
 1 | ALTER TABLE messages ADD COLUMN required_field text NOT NULL;
   |                      ^^^^^^^^^^^^^^^^^^^^^^^^^
  ::: supabase/migrations/20251101000002_sync.sql:28:15
   |
28 |   INSERT INTO messages (
   |               ^^^^^^^^ required_field is left out here
   = PostgreSQL answers: 23502 null value in column "required_field"
   = shown by: INSERT INTO messages_v2 DEFAULT VALUES;
   = help: give it a default:
             ALTER TABLE messages …;
           then replace the function
   = sync: public.messages_v2 → public.messages by trigger sync_messages_v2_insert calling public.sync()

1 error, 0 warnings in 12 migrations
"""
    )


def test_json_of_a_finding() -> None:
    rendered = as_json.render(the_seed())
    assert rendered == as_json.render(the_seed())
    assert json.loads(rendered) == {
        "tool": {"name": "schemalint", "version": __version__},
        "findings": [
            {
                "rule": "breaks/required-column",
                "severity": "error",
                "certainty": "certain",
                "message": "every INSERT into public.messages_v2 fails",
                "path": "supabase/migrations/20251105_x.sql",
                "line": 1,
                "column": 22,
                "end_line": 1,
                "end_column": 47,
                "sync": {
                    "source": "public.messages_v2",
                    "target": "public.messages",
                    "trigger": "sync_messages_v2_insert",
                    "function": "public.sync()",
                },
                "related": [{"path": FUNCTION.path, "line": 28, "column": 15, "message": "required_field is left out here"}],
                "sqlstate": "23502",
                "witness": "INSERT INTO messages_v2 DEFAULT VALUES;",
                "help": "give it a default:\n  ALTER TABLE messages …;\nthen replace the function",
                "fingerprint": "0123456789abcdef",
            }
        ],
        "unmodelled": [],
        "summary": {"migrations": 12, "checked": 12, "errors": 1, "warnings": 0, "infos": 0, "suppressed": 0},
    }


def test_json_has_every_key_of_a_bare_finding() -> None:
    gap = Unmodelled(found("ALTER", MIGRATION), "not known")
    bare = json.loads(as_json.render(report(finding(found("ALTER", MIGRATION)), unmodelled=(gap,))))
    (only,) = bare["findings"]
    assert [key for key, value in only.items() if value is None] == ["sync", "sqlstate", "witness", "help"]
    assert only["related"] == []
    assert bare["unmodelled"] == [{"path": MIGRATION.path, "line": 1, "reason": "not known"}]


def test_infos_unmodelled_notes_and_counts() -> None:
    gaps = tuple(Unmodelled(found("ALTER", MIGRATION), f"gap {number}") for number in range(12))
    told = report(
        finding(found("ADD", MIGRATION), Severity.INFO, Certainty.UNKNOWN),
        checked=1,
        unmodelled=gaps,
        suppressed=2,
        notes=("two files have the version 1",),
    )
    assert as_text.render(told, color=False).splitlines() == [
        "info[breaks/example] supabase/migrations/20251105_x.sql:1:22: it breaks",
        "",
        "not modelled, and so not judged:",
        *(f"  supabase/migrations/20251105_x.sql:1: gap {number}" for number in range(10)),
        "  and 2 more",
        "",
        "note: two files have the version 1",
        "",
        "0 errors, 0 warnings, 1 info in 1 of 12 migrations (12 not modelled, 2 suppressed)",
    ]


def test_nothing_found_is_one_line() -> None:
    assert as_text.render(report(), color=False) == "12 migrations, no findings\n"
    assert as_text.render(report(migrations=1, checked=1), color=False) == "1 migration, no findings\n"


@pytest.mark.parametrize(
    ("certainty", "witness", "said"),
    [
        (Certainty.CONDITIONAL, "INSERT …", "= certainty: only some rows, such as this one"),
        (Certainty.CONDITIONAL, None, "= certainty: only some rows"),
        (Certainty.UNKNOWN, None, "= certainty: cannot be told from the migrations"),
    ],
)
def test_certainty_is_said(certainty: Certainty, witness: str | None, said: str) -> None:
    lines = as_text.render(report(finding(found("ADD", MIGRATION), certainty=certainty, witness=witness)), color=False)
    assert said in [line.strip() for line in lines.splitlines()]


def test_a_state_alone_is_what_the_server_answers() -> None:
    assert "= PostgreSQL answers: 23502\n" in as_text.render(
        report(finding(found("ADD", MIGRATION), sqlstate="23502")), color=False
    )


def test_a_span_of_several_lines_shows_the_first() -> None:
    source = Source("a.sql", "SELECT 1; CREATE TABLE t (\n  a int,\n\n  b int,\n  c int\n);\n")
    span = Span(source, source.text.index("CREATE"), source.text.index(";", 10))
    assert as_text.render(report(finding(span)), color=False).splitlines()[1:8] == [
        " --> a.sql:1:11",
        "  |",
        "1 | SELECT 1; CREATE TABLE t (",
        "  |           ^^^^^^^^^^^^^^^^",
        "2 |   a int,",
        "  | … and 3 more lines",
        "",
    ]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_line_ends_are_not_marked(newline: str) -> None:
    source = Source("a.sql", f"DROP TRIGGER t{newline}  ON v2;{newline}")
    lines = marked_lines(Span(source, 0, source.text.index(";")))
    assert [(each.text, each.indent, each.width) for each in lines] == [("DROP TRIGGER t", 0, 14), ("  ON v2;", 2, 5)]


def test_long_lines_are_cut_around_the_span() -> None:
    source = Source("a.sql", "x" * 5000 + " HERE " + "y" * 5000)
    (line,) = marked_lines(found("HERE", source))
    assert len(line.text) == LONGEST + 2
    assert (line.text[0], line.text[-1]) == ("…", "…")
    assert line.text[line.indent : line.indent + line.width] == "HERE"
    (whole,) = marked_lines(Span(source, 10, 9000))
    assert whole.indent + whole.width <= LONGEST + 2


@pytest.mark.parametrize(
    ("before", "indent"),
    [("\t", 4), ("a\t", 5), ("テーブル", 8), ("e\u0301", 1), ("\x1b[31m", 8), ("\u202e", 6), ("ﾃ", 1), ("\ud800", 6)],
)
def test_marks_stand_under_what_they_mark(before: str, indent: int) -> None:
    (line,) = marked_lines(found("HERE", Source("a.sql", f"{before}HERE;")))
    assert (line.indent, line.width) == (indent, 4)
    assert cells(line.text) == indent + 5


HOSTILE = "\x1b]0;owned\x07\x9b31m\u202e\u2066\u2028\x00\u200b\ufeff\U000e0041"


def test_nothing_of_a_migration_steers_a_terminal() -> None:
    source = Source(f"m{HOSTILE}\n.sql", f"SELECT '{HOSTILE}';\n")
    hostile = finding(
        Span(source, 0, 10),
        message=f"a\n{HOSTILE}",
        sqlstate="23502",
        answer=HOSTILE,
        witness=HOSTILE,
        help=f"x\n{HOSTILE}",
        sync=Sync(HOSTILE, HOSTILE, HOSTILE, HOSTILE),
        related=(Place(Span(source, 0, 6), HOSTILE),),
    )
    gap = Unmodelled(Span(source, 0, 6), HOSTILE)
    told = report(hostile, finding(Span(source, 0, 6), Severity.INFO), unmodelled=(gap,), notes=(HOSTILE,))
    printed = as_text.render(told, color=False)
    assert not set(printed) & set(HOSTILE) - set("]0;owned31m")
    assert "\\x1b]0;owned\\x07\\x9b31m\\u202e\\u2066" in printed
    assert "\\U000e0041" in printed
    assert as_json.render(told).isascii()
    assert set(as_json.render(told)) & {"\x1b", "\x7f", "\x07"} == set()


@pytest.mark.parametrize("command", ["::error::owned", "  ::stop-commands::x", "##[error]owned", "##vso[task.complete]x"])
def test_no_line_is_a_workflow_command(command: str) -> None:
    source = Source(f"{command}.sql", f"{command}\n{command}\n{command}")
    gap = Unmodelled(Span(source, 0, 5), command)
    hostile = finding(
        Span(source, 0, len(source.text)), message=f"x\n{command}", witness=f"x\n{command}", help=f"{command}\n{command}"
    )
    told = report(hostile, finding(Span(source, 0, 5), Severity.INFO), unmodelled=(gap,), notes=(command,))
    for line in (*as_text.render(told, color=False).splitlines(), *as_json.render(told).splitlines()):
        assert not line.strip().startswith("::") or line.strip().startswith("::: ")
        assert "##[" not in line
        assert "##vso[" not in line
    assert json.loads(as_json.render(told))["findings"][0]["help"] == f"{command}\n{command}"


def test_colour_adds_nothing_but_colour() -> None:
    plain, coloured = as_text.render(the_seed(), color=False), as_text.render(the_seed(), color=True)
    assert "\x1b" not in plain
    assert coloured.startswith("\x1b[1;31merror[breaks/required-column]\x1b[0m")
    for code in ("0", "1", "1;31", "1;33", "1;34"):
        coloured = coloured.replace(f"\x1b[{code}m", "")
    assert coloured == plain


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("choice", "stream", "environment", "wanted"),
    [
        ("auto", Terminal(), {}, True),
        ("auto", Terminal(), {"NO_COLOR": "1"}, False),
        ("auto", Terminal(), {"NO_COLOR": ""}, True),
        ("auto", Terminal(), {"TERM": "dumb"}, False),
        ("auto", io.StringIO(), {}, False),
        ("always", io.StringIO(), {}, True),
        ("never", Terminal(), {}, False),
    ],
)
def test_when_to_colour(
    choice: str, stream: io.StringIO, environment: dict[str, str], wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert wants_color(choice, stream) is wanted

"""The tokens of a PL/pgSQL body, and a cursor that moves over them."""

from __future__ import annotations

import re

import msgspec

from schemalint.parse.libpg_query import ParseError, parse_json, scan
from schemalint.parse.plpgsql_tree import Fragment, Name

COMMENTS = frozenset({"SQL_COMMENT", "C_COMMENT"})
STRING, NUMBER, QUOTED, PARAMETER, END = "'", "0", '"', "$", ""
KINDS = {"SCONST": STRING, "ICONST": NUMBER, "PARAM": PARAMETER}


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# PL/pgSQL's own two lists (pl_reserved_kwlist.h, pl_unreserved_kwlist.h). Every other word is a name to it.
RESERVED = words(
    """all begin by case declare else end execute for foreach from if in into loop not null or strict then to using when
    while"""
)
UNRESERVED = words(
    """absolute alias and array assert backward call chain close collate column column_name commit constant constraint
    constraint_name continue current cursor datatype debug default detail diagnostics do dump elseif elsif errcode error
    exception exit fetch first forward get hint import info insert is last log merge message message_text move next no notice
    open option perform pg_context pg_datatype_name pg_exception_context pg_exception_detail pg_exception_hint pg_routine_oid
    print_strict_params prior query raise relative result_oid return returned_sqlstate reverse rollback row_count rowtype
    schema schema_name scroll slice sqlstate stacked table table_name type use_column use_variable variable_conflict
    warning"""
)
NOT_IN_EXPRESSIONS = frozenset({"union", "intersect", "except", "into"})
BRACKETS = frozenset("()[];") | {END}
STATEMENT_END = frozenset({";"})
LONGEST_NAME = 63  # bytes; PostgreSQL cuts what is longer
NEAR = re.compile(r'at or near "(.*)"\Z', re.DOTALL)


class BodySyntaxError(Exception):
    """A body that PL/pgSQL does not accept, with the offsets of what it stumbles over."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message, start, end)
        self.message = message
        self.start = start
        self.end = end

    def __str__(self) -> str:
        return self.message


def sql_error(error: Exception, shift: int, limit: int) -> BodySyntaxError:
    """An error of libpg_query in a text that stands at `shift` in the body and ends at `limit`."""
    message, location = error.args
    start = limit if location is None else min(max(shift + location, 0), limit)
    near = NEAR.search(message)
    return BodySyntaxError(message, start, min(start + (len(near.group(1)) if near else 1), max(limit, start)))


def fold(word: str) -> str:
    """A name as PostgreSQL stores it: ASCII letters in lower case unless quoted, cut to 63 bytes."""
    if word.startswith('"'):
        name = word[1:-1].replace('""', '"')
    elif word.isascii():
        name = word.lower()
    else:
        name = "".join(character.lower() if character.isascii() else character for character in word)
    if len(name) > LONGEST_NAME // 4:
        name = name.encode()[:LONGEST_NAME].decode(errors="ignore")
    return name


def string_value(literal: str) -> str:
    """The value of a string constant in any of its spellings."""
    if literal[0] == "$":
        width = literal.index("$", 1) + 1
        return literal[width:-width]
    if literal[0] == "'" and "'" not in literal[1:-1]:
        return literal[1:-1]
    tree = msgspec.json.decode(parse_json(f"SELECT {literal}"))
    constant = tree["stmts"][0]["stmt"]["SelectStmt"]["targetList"][0]["ResTarget"]["val"]["A_Const"]["sval"]
    value: str = constant.get("sval", "")
    return value


class TokenCursor:
    """The tokens without the comments, and the index `at` of the next one.

    A token's kind is the lower-case word for an unquoted word, keyword or not, the text itself for an operator or a
    punctuation mark, and one of STRING, NUMBER, QUOTED, PARAMETER, END.
    """

    def __init__(self, body: str) -> None:
        self.body = body
        self.at = 0
        self.kinds: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.classes: list[str | None] = []  # of keywords in SQL; empty for other words, None for what is no word
        self.scopes: list[tuple[str | None, bool]] = []  # labels of the blocks and loops around, and whether each is a loop
        self.bound_cursors: frozenset[str] = frozenset()  # those in scope whose declaration has a query
        self._scan()

    def _scan(self) -> None:
        body = self.body
        if "\0" in body:
            raise BodySyntaxError("invalid character", body.index("\0"), body.index("\0") + 1)
        try:
            tokens = scan(body)
        except UnicodeEncodeError as error:
            raise BodySyntaxError("invalid character", error.start, error.end) from None
        except ParseError as error:
            raise sql_error(error, 0, len(body)) from None
        for token in tokens:
            name, keyword, start = token.name, token.kind, token.start
            if name in COMMENTS:
                continue
            end = token.end + 1
            text = body[start:end]
            word_class: str | None = None
            if keyword != "NO_KEYWORD":
                kind, word_class = text.lower(), keyword
            elif name == "IDENT":
                kind, word_class = (QUOTED if text[0] == '"' else fold(text)), ""
            else:
                kind = KINDS.get(name, text)
            self.kinds.append(kind)
            self.starts.append(start)
            self.ends.append(end)
            self.classes.append(word_class)
        end = self.ends[-1] if self.ends else 0
        self.starts.append(end)
        self.ends.append(end)
        # One more than needed, so that the token after the next can always be looked at.
        self.kinds += [END, END]
        self.classes += [None, None]

    @property
    def kind(self) -> str:
        return self.kinds[self.at]

    @property
    def start(self) -> int:
        """Where the next token begins."""
        return self.starts[self.at]

    @property
    def end(self) -> int:
        """Where the last read token ends."""
        return self.ends[self.at - 1]

    def error(self, message: str = "syntax error", at: int | None = None) -> BodySyntaxError:
        at = self.at if at is None else at
        start, end = self.starts[at], self.ends[at]
        if start == end:
            return BodySyntaxError(f"{message} at end of input", start, end)
        return BodySyntaxError(f'{message} at or near "{self.body[start:end]}"', start, end)

    def accept(self, kind: str) -> bool:
        """Reads the next token if it is this one."""
        if self.kinds[self.at] != kind:
            return False
        self.at += 1
        return True

    def accept_word(self, word: str) -> bool:
        """Reads the next token if it is this word by itself, not the first part of a longer name."""
        if self.kinds[self.at] != word or self.kinds[self.at + 1] == ".":
            return False
        self.at += 1
        return True

    def expect(self, *kinds: str) -> None:
        for kind in kinds:
            if self.kinds[self.at] != kind:
                raise self.error()
            self.at += 1

    def is_name(self, at: int) -> bool:
        """Whether a token can be a name in PL/pgSQL, where most keywords can."""
        kind = self.kinds[at]
        return self.classes[at] is not None and kind not in RESERVED

    def is_word(self, at: int) -> bool:
        return self.classes[at] is not None

    def is_variable(self, at: int) -> bool:
        return self.kinds[at] == PARAMETER or self.is_name(at)

    def word(self, at: int) -> str:
        return fold(self.body[self.starts[at] : self.ends[at]])

    def name(self) -> str:
        """Reads one name."""
        if not self.is_name(self.at):
            raise self.error()
        self.at += 1
        return self.word(self.at - 1)

    def variable(self) -> Name:
        """Reads a variable or a field of one, three names at most: PL/pgSQL's scanner looks no further."""
        if not self.is_variable(self.at):
            raise self.error()
        parts = [self.word(self.at)]
        self.at += 1
        while self.kinds[self.at] == "." and self.is_name(self.at + 1) and len(parts) < 3:
            parts.append(self.word(self.at + 1))
            self.at += 2
        return tuple(parts)

    def variables(self) -> tuple[Name, ...]:
        """Reads variables with commas between them."""
        names = [self.variable()]
        while self.accept(","):
            names.append(self.variable())
        return tuple(names)

    def fragment(self, first: int, last: int, leader: str | None = "SELECT ") -> Fragment:
        """The tokens from `first` to before `last`."""
        start, end = self.starts[first], self.ends[last - 1]
        return Fragment(self.body[start:end], start, end, leader)

    def expression(self, stops: frozenset[str] = STATEMENT_END) -> Fragment:
        """Reads an expression up to one of the stops, which stays the next token."""
        first = self.at
        self._skip_to(stops, "expression")
        if not NOT_IN_EXPRESSIONS.isdisjoint(self.kinds[first : self.at]):
            self._refuse_query(first)
        return self.fragment(first, self.at)

    def query(self, stops: frozenset[str] = STATEMENT_END, leader: str = "") -> Fragment:
        """Reads a statement of SQL up to one of the stops."""
        first = self.at
        self._skip_to(stops, "statement")
        return self.fragment(first, self.at, leader)

    def expressions(self, stops: frozenset[str]) -> tuple[Fragment, ...]:
        """Reads expressions with commas between them."""
        found = [self.expression(stops | {","})]
        while self.accept(","):
            found.append(self.expression(stops | {","}))
        return tuple(found)

    def _skip_to(self, stops: frozenset[str], what: str) -> None:
        kinds = self.kinds
        first = at = self.at
        depth = 0
        while True:
            kind = kinds[at]
            if kind in stops and depth == 0:
                break
            if kind in BRACKETS:
                if kind == "(" or kind == "[":
                    depth += 1
                elif kind == ")" or kind == "]":
                    depth -= 1
                if depth < 0 or (depth > 0 and (kind == ";" or kind == END)):
                    raise self.error("mismatched parentheses", at)
                if kind == ";" or kind == END:
                    expected = " or ".join(sorted(stop.upper() for stop in stops))
                    raise self.error(f'missing "{expected}" at end of SQL {what}', at)
            at += 1
        self.at = at
        if at == first:
            raise self.error("missing expression" if what == "expression" else "missing SQL statement")

    def _refuse_query(self, first: int) -> None:
        """Where an expression stands, SELECT may be left out before it, but UNION may not follow."""
        depth = 0
        for at in range(first, self.at):
            kind = self.kinds[at]
            if kind == "(" or kind == "[":
                depth += 1
            elif kind == ")" or kind == "]":
                depth -= 1
            elif depth == 0 and kind in NOT_IN_EXPRESSIONS and self.kinds[at - 1] not in (".", "as"):
                raise self.error(at=at)

    def check_exit(self, label: str | None, is_continue: bool, place: int) -> None:
        """Refuses an EXIT or CONTINUE that leads nowhere."""
        word = "CONTINUE" if is_continue else "EXIT"
        if label is None:
            if not any(is_loop for _, is_loop in self.scopes):
                unless = "" if is_continue else ", unless it has a label"
                raise self.error(f"{word} cannot be used outside a loop{unless}", place)
            return
        kinds = [is_loop for name, is_loop in reversed(self.scopes) if name == label]
        if not kinds:
            raise self.error(f'there is no label "{label}" attached to any block or loop enclosing this statement', place)
        if is_continue and not kinds[0]:
            raise self.error(f'block label "{label}" cannot be used in CONTINUE', place)

    def end_label(self, label: str | None) -> None:
        """Reads the label that may stand again behind an END."""
        if not self.is_name(self.at):
            return
        place = self.at
        again = self.name()
        if label is None:
            raise self.error(f'end label "{again}" specified for unlabeled block', place)
        if label != again:
            raise self.error(f'end label "{again}" differs from block\'s label "{label}"', place)

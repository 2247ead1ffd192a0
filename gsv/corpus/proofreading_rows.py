"""Rows of a list that is being proofread, and edits of them that can be taken back.

Knows one list in memory: its rows, their order, what was done to them. Opens no file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from typing import Any, Literal

from gsv.errors import DataError, InputError
from gsv.text import language_code

FIELDS = ("path", "speaker", "language", "text")
SEPARATOR = "|"
Standing = Literal["live", "deleted", "replaced"]
LIVE: Standing = "live"
DELETED: Standing = "deleted"
REPLACED: Standing = "replaced"
"""A deleted row can be restored; a replaced one was split or merged, and comes back by undo only."""
FAULTS = ("fields", "separator", "path", "text", "language")
"""What can be wrong with a row as it stands, without a look at its recording."""


@dataclass(frozen=True)
class Part:
    """Which stretch of which recording (a path as lists spell it) stands in a made clip, from `at` on; seconds."""

    path: str
    start: float
    end: float
    at: float = 0.0


@dataclass(frozen=True)
class Row:
    """A row with its number for life. `line` is how the list spells it while no field was changed."""

    id: int
    path: str = ""
    speaker: str = ""
    language: str = ""
    text: str = ""
    line: str = ""
    standing: Standing = LIVE
    checked: bool = False
    parts: tuple[Part, ...] = ()

    @property
    def written(self) -> str:
        """The row as a line of the list."""
        return self.line or SEPARATOR.join((self.path, self.speaker, self.language, self.text))

    @property
    def faults(self) -> tuple[str, ...]:
        """What keeps the row out of a preparation, of `FAULTS`."""
        separators = self.written.count(SEPARATOR)
        if separators < len(FIELDS) - 1:
            return ("fields",)
        wrong = ["separator"] if separators >= len(FIELDS) else []
        wrong += [name for name in ("path", "text") if not getattr(self, name).strip()]
        if not _known(self.language):
            wrong.append("language")
        return tuple(wrong)

    def edited(self, **fields: Any) -> Row:
        """The row with other fields; its line is then written anew."""
        return replace(self, line="", **fields)


@cache
def _known(language: str) -> bool:
    try:
        return bool(language_code(language))
    except InputError:
        return False


def read_row(number: int, line: str) -> Row:
    """A line of a list as a row; one that is not four fields keeps its line, and what can be made of it."""
    fields = line.split(SEPARATOR, len(FIELDS) - 1)
    values: dict[str, Any] = dict(zip(FIELDS, (field.strip(" \t\r\ufeff") for field in fields), strict=False))
    return replace(Row(number, line=line), **values)


def check_field(name: str, value: str) -> str:
    """The value as it may stand in a row. Raises InputError for a separator, or a language that is not known."""
    # Halves of surrogate pairs, which no file can hold, go.
    clean = " ".join(value.encode("utf-8", "ignore").decode("utf-8").split())
    if SEPARATOR in clean:
        raise InputError(
            f"the {name} cannot be kept", f"{SEPARATOR} parts the fields of a list", "Leave it out."
        )
    if name == "language":
        return language_code(clean)
    return clean


@dataclass(frozen=True)
class Change:
    """One row before and after. A new row has no before, and stands right behind the row `behind` (0: first)."""

    id: int
    before: Row | None
    after: Row | None
    behind: int = 0


@dataclass(frozen=True)
class Edit:
    """What one press of a person changed; `order` is given where all rows may have moved."""

    kind: str
    changes: tuple[Change, ...]
    order: tuple[int, ...] | None = None


@dataclass
class State:
    """A list in memory. `touched` says with which revision a row was changed last."""

    rows: dict[int, Row] = field(default_factory=dict)
    order: list[int] = field(default_factory=list)
    revision: int = 0
    highest: int = 0
    touched: dict[int, int] = field(default_factory=dict)
    done: list[Edit] = field(default_factory=list)
    undone: list[Edit] = field(default_factory=list)

    @classmethod
    def of(cls, lines: Iterable[str]) -> State:
        """The state before any edit; empty lines are no rows."""
        kept = [line for line in lines if line.strip()]
        rows = {number: read_row(number, line) for number, line in enumerate(kept, start=1)}
        return cls(rows, list(rows), highest=len(rows))

    def live(self) -> list[Row]:
        """The rows that the list holds now, in its order."""
        return [row for number in self.order if (row := self.rows[number]).standing == LIVE]

    def written(self) -> str:
        """The list as text."""
        return "".join(row.written + "\n" for row in self.live())

    def row(self, number: int) -> Row:
        """A row that is there; raises InputError for one that never was, or was undone."""
        if number not in self.rows:
            raise InputError(f"there is no clip {number}", "it was undone", "Look at the list again.")
        return self.rows[number]

    def neighbour(self, number: int) -> Row | None:
        """The next row of the list, if there is one."""
        place = self.order.index(number) + 1
        following = (self.rows[other] for other in self.order[place:])
        return next((row for row in following if row.standing == LIVE), None)

    def apply(self, edit: Edit) -> None:
        """Do an edit of a person; what was undone before it cannot be done again."""
        self._put(edit)
        self.done.append(edit)
        self.undone.clear()

    def adopt(self, edit: Edit) -> None:
        """Take over what another program made of the list; edits before it stay done."""
        self._put(edit)
        self.done.clear()
        self.undone.clear()

    def undo(self) -> Edit:
        """Take the last edit back. Raises InputError where there is none."""
        if not self.done:
            raise InputError("there is nothing to undo")
        edit = self.done.pop()
        self._put(reverse(edit))
        self.undone.append(edit)
        return edit

    def redo(self) -> Edit:
        """Do the edit again that was taken back last. Raises InputError where there is none."""
        if not self.undone:
            raise InputError("there is nothing to do again")
        edit = self.undone.pop()
        self._put(edit)
        self.done.append(edit)
        return edit

    def _put(self, edit: Edit) -> None:
        self.revision += 1
        for change in edit.changes:
            if change.after is None:
                self.rows.pop(change.id, None)
                self.order.remove(change.id)
            else:
                if change.id not in self.rows and edit.order is None:
                    place = self.order.index(change.behind) + 1 if change.behind else 0
                    self.order.insert(place, change.id)
                self.rows[change.id] = change.after
            self.touched[change.id] = self.revision
            self.highest = max(self.highest, change.id)
        if edit.order is not None:
            self.order = list(edit.order)


def reverse(edit: Edit) -> Edit:
    """The edit that takes this one back."""
    changes = [replace(change, before=change.after, after=change.before) for change in reversed(edit.changes)]
    return Edit(edit.kind, tuple(changes))


def outside(state: State, lines: Sequence[str]) -> Edit:
    """What another program made of the list, as an edit: rows are known again by their paths."""
    known: dict[str, list[Row]] = {}
    for wanted in (LIVE, DELETED):
        for number in state.order:
            row = state.rows[number]
            if row.standing == wanted:
                known.setdefault(row.path, []).append(row)
    order, changes, highest = [], [], state.highest
    for line in (line for line in lines if line.strip()):
        read = read_row(0, line)
        same = known.get(read.path)
        if same:
            before = same.pop(0)
            after = replace(
                before, **{name: getattr(read, name) for name in FIELDS}, line=line, standing=LIVE
            )
            after = before if after.written == before.written and before.standing == LIVE else after
        else:
            highest += 1
            before, after = None, replace(read, id=highest)
        order.append(after.id)
        if after != before:
            changes.append(Change(after.id, before, after))
    gone = {row.id for rows in known.values() for row in rows if row.standing == LIVE}
    changes += [
        Change(number, state.rows[number], replace(state.rows[number], standing=DELETED))
        for number in state.order
        if number in gone
    ]
    return Edit("outside", tuple(changes), tuple(_with_hidden(state.order, order)))


def _with_hidden(old: Sequence[int], new: Sequence[int]) -> list[int]:
    """The new order, and each row that is not in it behind the row that it followed."""
    shown = set(new)
    followers: dict[int, list[int]] = {}
    last = 0
    for number in old:
        if number in shown:
            last = number
        else:
            followers.setdefault(last, []).append(number)
    return [*followers.get(0, ()), *(item for number in new for item in (number, *followers.get(number, ())))]


def as_json(edit: Edit) -> dict[str, Any]:
    """An edit as values that JSON can hold; defaults are left out."""
    changes = [
        {
            "id": change.id,
            "before": _row_json(change.before),
            "after": _row_json(change.after),
            "behind": change.behind,
        }
        for change in edit.changes
    ]
    return {
        "what": edit.kind,
        "changes": changes,
        **({"order": edit.order} if edit.order is not None else {}),
    }


def _row_json(row: Row | None) -> dict[str, Any] | None:
    if row is None:
        return None
    empty = Row(row.id)
    return {
        name: value for name, value in asdict(row).items() if name != "id" and value != getattr(empty, name)
    }


def from_json(value: dict[str, Any]) -> Edit:
    """An edit out of `as_json`. Raises DataError for anything else."""
    try:
        changes = tuple(
            Change(
                int(item["id"]),
                _row(int(item["id"]), item["before"]),
                _row(int(item["id"]), item["after"]),
                int(item["behind"]),
            )
            for item in value["changes"]
        )
        order = tuple(int(number) for number in value["order"]) if "order" in value else None
        return Edit(str(value["what"]), changes, order)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError("an edit cannot be understood", str(error)) from error


def _row(number: int, value: dict[str, Any] | None) -> Row | None:
    if value is None:
        return None
    parts = tuple(Part(**part) for part in value.get("parts", ()))
    return Row(number, **{**value, "parts": parts})

"""Which rows of a list are looked at: filtered, sorted by doubt, one page at a time.

Knows rows and what was heard in them. Changes nothing and opens no file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gsv.corpus.proofreading_rows import DELETED, Row, State
from gsv.corpus.proofreading_words import Heard, heard_in

Show = Literal["all", "open", "checked", "faulty", "deleted"]
Sort = Literal["list", "doubt"]
SHOWN: tuple[Show, ...] = ("all", "open", "checked", "faulty", "deleted")
SORTS: tuple[Sort, ...] = ("list", "doubt")
UNKNOWN_DOUBT = 0.5
"""A clip that nobody has measured stands between the sure and the doubtful ones."""


@dataclass(frozen=True)
class Query:
    """What is asked for; empty words take every row. Pages count from 1."""

    text: str = ""
    language: str = ""
    speaker: str = ""
    show: Show = "all"
    sort: Sort = "list"
    page: int = 1
    size: int = 20


@dataclass(frozen=True)
class Item:
    """A row on a page: its place in the list (0 for a deleted one), and what was heard in it."""

    row: Row
    place: int
    heard: Heard | None = None


@dataclass(frozen=True)
class View:
    """One page of rows, and which languages and speakers the whole list has."""

    items: tuple[Item, ...]
    page: int
    pages: int
    found: int
    languages: Mapping[str, int] = field(default_factory=dict)
    speakers: Mapping[str, int] = field(default_factory=dict)


def doubt(row: Row, table: Mapping[str, Heard]) -> float:
    """How much a row should be looked at: 2 for a faulty one, -1 for a checked one, else 1 - confidence."""
    if row.faults:
        return 2.0
    if row.checked:
        return -1.0
    heard = heard_in(row, table)
    return UNKNOWN_DOUBT if heard is None or heard.confidence is None else 1.0 - heard.confidence


def look(state: State, table: Mapping[str, Heard], query: Query) -> View:
    """The page that a query asks for; one past the end gives the last page."""
    live = state.live()
    places = {row.id: place for place, row in enumerate(live, start=1)}
    pool = live
    if query.show == "deleted":
        pool = [row for number in state.order if (row := state.rows[number]).standing == DELETED]
    elif query.show == "faulty":
        pool = [row for row in live if row.faults]
    elif query.show != "all":
        pool = [row for row in live if row.checked == (query.show == "checked")]
    found = [row for row in pool if _fits(row, query)]
    if query.sort == "doubt":
        found.sort(key=lambda row: -doubt(row, table))  # stable: equals keep the list's order
    pages = max(1, -(-len(found) // query.size))
    page = min(max(1, query.page), pages)
    shown = found[(page - 1) * query.size : page * query.size]
    items = tuple(Item(row, places.get(row.id, 0), heard_in(row, table)) for row in shown)
    return View(
        items,
        page,
        pages,
        len(found),
        dict(sorted(Counter(row.language for row in live).items())),
        dict(Counter(row.speaker for row in live).most_common()),
    )


def counts(state: State) -> dict[Show, int]:
    """How many rows there are of each kind that can be shown."""
    live = state.live()
    checked = sum(row.checked for row in live)
    return {
        "all": len(live),
        "open": len(live) - checked,
        "checked": checked,
        "faulty": sum(bool(row.faults) for row in live),
        "deleted": sum(row.standing == DELETED for row in state.rows.values()),
    }


def _fits(row: Row, query: Query) -> bool:
    wanted = query.text.casefold()
    return (
        (not query.language or row.language == query.language)
        and (not query.speaker or row.speaker == query.speaker)
        and (not wanted.strip() or wanted in row.text.casefold() or wanted in row.path.casefold())
    )


def touched(state: State, revision: int) -> set[int]:
    """Rows that were changed after this revision."""
    return {number for number, last in state.touched.items() if last > revision}


def item(state: State, table: Mapping[str, Heard], number: int) -> Item:
    """A row by its number, as `look` gives it."""
    row = state.row(number)
    place = next((place for place, other in enumerate(state.live(), start=1) if other.id == number), 0)
    return Item(row, place, heard_in(row, table))

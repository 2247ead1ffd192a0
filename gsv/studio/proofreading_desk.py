"""What the Proofread tab asks the studio for, and the answers: pages of clips, edits, how clips look.

Knows lists being proofread and the rules of access. Every question names its list and what the page has
seen of it, so that any number of pages can be open. Knows nothing of how the page is laid out.
"""

from __future__ import annotations

import functools
import hmac
import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gsv import files
from gsv.corpus import proofreading_clips, proofreading_view
from gsv.corpus.proofreading import ConflictError, Proofreading, Seen
from gsv.corpus.proofreading_rows import REPLACED, Row, State
from gsv.corpus.proofreading_view import SHOWN, SORTS, Query
from gsv.errors import GsvError, InputError, as_gsv_error
from gsv.studio import render, render_proofread
from gsv.studio.studio import Studio

logger = logging.getLogger(__name__)

Values = dict[str, Any]
OPEN_LISTS = 4
PAGE_SIZES = (10, 20, 50)
PEAKS = 240
WAVES_AT_ONCE = 50
ENDINGS = (".list", ".txt")


class Desk:
    """Answers the pages of one studio; `key` is what only these pages know."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.key = secrets.token_urlsafe(24)
        self._lists: OrderedDict[tuple[str, str], Proofreading] = OrderedDict()
        self._mutex = threading.Lock()
        self._peaks = functools.lru_cache(maxsize=4000)(_peaks)
        self._deeds: dict[str, Callable[[Proofreading, Values], Values]] = {
            "look": self._look,
            "news": self._news,
            "change": self._change,
            "check": self._mark,
            "delete": self._mark,
            "restore": self._mark,
            "splitting": self._splitting,
            "split": self._split,
            "merge": self._merge,
            "undo": self._step,
            "redo": self._step,
            "waves": self._waves,
        }

    def answer(self, question: Values) -> Values:
        """The answer to a question of a page; what went wrong is an answer too."""
        try:
            if not hmac.compare_digest(str(question["key"]).encode(), self.key.encode()):
                raise self.studio.labels.error("proofread_key")
            opened = self._open(question)
            return self._deeds[str(question["do"])](opened, question)
        except ConflictError:
            answer = self._news(opened, question)
            return {**answer, "conflict": True, "error": self.studio.labels("proofread_said_conflict")}
        except Exception as error:  # the page must say what went wrong, whatever it was
            known = as_gsv_error(error)
            if not isinstance(error, GsvError):
                logger.exception("a question of the page for proofreading failed")
            return {"error": render.notice(known)}

    def _open(self, question: Values) -> Proofreading:
        """The list that a question is about; few are kept open."""
        studio, access = self.studio, self.studio.access
        path = access.existing(str(question.get("list") or ""), studio.labels("list"))
        if path.suffix.lower() not in ENDINGS:
            raise studio.labels.error("proofread_no_list", name=path.name)
        folder = None
        if str(question.get("folder") or "").strip():
            folder = access.existing(str(question["folder"]), studio.labels("audio_folder"), "folder")
        key = (str(path), str(folder or ""))
        with self._mutex:
            if key not in self._lists:
                self._lists[key] = Proofreading(path, folder)
            self._lists.move_to_end(key)
            while len(self._lists) > OPEN_LISTS:
                self._lists.popitem(last=False)
            return self._lists[key]

    def _place(self, opened: Proofreading, row: Row) -> Path:
        """Where a row's recording lies, if it may be read."""
        place = opened.place(row)
        if self.studio.access.confined:
            try:
                return files.resolve_inside(place, self.studio.access.roots)
            except InputError as error:
                raise self.studio.labels.error("path_outside", path=place) from error
        return place

    def _look(self, opened: Proofreading, question: Values) -> Values:
        """A page of clips as a query asks for it."""
        labels, query = self.studio.labels, _query(question.get("query") or {})
        if question.get("find"):  # the page that a clip stands on
            query = self._page_of(opened, query, int(question["find"]))
        with opened.held() as state:
            view = proofreading_view.look(state, opened.heard(), query)
            return {
                **self._standing(opened, state),
                "html": render_proofread.cards(view, state, labels),
                "found": labels("proofread_found", n=view.found),
                "pager": {"page": view.page, "pages": view.pages},
                "languages": render_proofread.options(view.languages, query.language, labels, "language"),
                "speakers": render_proofread.options(view.speakers, query.speaker, labels, "speaker"),
                "notes": opened.notes(),
            }

    def _page_of(self, opened: Proofreading, query: Query, number: int) -> Query:
        everything = Query(query.text, query.language, query.speaker, query.show, query.sort, 1, 1 << 30)
        with opened.held() as state:
            shown = [item.row.id for item in proofreading_view.look(state, opened.heard(), everything).items]
        page = shown.index(number) // query.size + 1 if number in shown else query.page
        return Query(query.text, query.language, query.speaker, query.show, query.sort, page, query.size)

    def _standing(self, opened: Proofreading, state: State) -> Values:
        """What every answer says of the list: where it stands, and what can be undone."""
        seen = opened.seen
        name = render_proofread.edit_name
        return {
            "seen": {"epoch": seen.epoch, "revision": seen.revision},
            "totals": render_proofread.totals(proofreading_view.counts(state), self.studio.labels),
            "undo": name(state.done[-1].kind, self.studio.labels) if state.done else "",
            "redo": name(state.undone[-1].kind, self.studio.labels) if state.undone else "",
        }

    def _news(self, opened: Proofreading, question: Values) -> Values:
        """Cards of the clips that the page shows and that were changed since; `anew` where that is not enough."""
        seen = _seen(question)
        with opened.held() as state:
            standing = self._standing(opened, state)
            if seen is None or standing["seen"]["epoch"] != seen.epoch:
                return {**standing, "anew": True}
            changed = proofreading_view.touched(state, seen.revision)
            shown = {int(number) for number in question.get("shown") or ()}
            gone = [n for n in shown if n not in state.rows or state.rows[n].standing == REPLACED]
            made = any(state.rows[n].parts and n not in shown for n in changed if n in state.rows)
            cards = {
                str(number): render_proofread.card(
                    proofreading_view.item(state, opened.heard(), number), state, self.studio.labels
                )
                for number in changed & shown
                if number not in gone
            }
        return {**standing, "cards": cards, "gone": gone, "anew": bool(gone) or made, "changed": len(changed)}

    def _change(self, opened: Proofreading, question: Values) -> Values:
        fields = {str(name): str(value) for name, value in question["fields"].items()}
        opened.change(int(question["id"]), _seen(question), **fields)
        return self._news(opened, question)

    def _mark(self, opened: Proofreading, question: Values) -> Values:
        number, seen = int(question["id"]), _seen(question)
        match question["do"]:
            case "check":
                opened.check(number, bool(question.get("checked", True)), seen)
            case "delete":
                opened.delete(number, seen)
            case _:
                opened.restore(number, seen)
        return self._news(opened, question)

    def _splitting(self, opened: Proofreading, question: Values) -> Values:
        """The form in which a person says where a clip is cut."""
        number, seconds = int(question["id"]), float(question["seconds"])
        with opened.held() as state:
            self._place(opened, state.row(number))
        texts = opened.suggest(number, seconds)
        return {"form": render_proofread.split_form(number, seconds, texts, self.studio.labels)}

    def _split(self, opened: Proofreading, question: Values) -> Values:
        number, (left, right) = int(question["id"]), question["texts"]
        with opened.held() as state:
            self._place(opened, state.row(number))
        made = opened.split(number, float(question["seconds"]), (str(left), str(right)), _seen(question))
        return {**self._news(opened, question), "anew": True, "focus": made[0].id}

    def _merge(self, opened: Proofreading, question: Values) -> Values:
        number = int(question["id"])
        with opened.held() as state:
            for row in (state.row(number), state.neighbour(number)):
                if row is not None:
                    self._place(opened, row)
        made = opened.merge(number, float(question.get("pause") or 0.0), _seen(question))
        return {**self._news(opened, question), "anew": True, "focus": made.id}

    def _step(self, opened: Proofreading, question: Values) -> Values:
        """Undo or redo: the page moves to the clip that it was about."""
        seen = _seen(question)
        edit = opened.undo(seen) if question["do"] == "undo" else opened.redo(seen)
        with opened.held() as state:
            known = [change.id for change in edit.changes if _standing_of(state, change.id) != REPLACED]
            answer = self._news(opened, question)
        said = "proofread_undone" if question["do"] == "undo" else "proofread_redone"
        words = self.studio.labels(said, what=render_proofread.edit_name(edit.kind, self.studio.labels))
        return {**answer, "anew": True, "focus": known[0] if known else None, "said": words}

    def _waves(self, opened: Proofreading, question: Values) -> Values:
        """How the clips of a page look, and where they are heard; a clip that cannot be read says why."""
        waves: Values = {}
        with opened.held() as state:
            rows = [state.rows[int(n)] for n in question["ids"][:WAVES_AT_ONCE] if int(n) in state.rows]
        for row in rows:
            try:
                place = self._place(opened, row)
                changed = place.stat().st_mtime_ns if place.is_file() else 0
                loud, seconds = self._peaks(place, changed)
                waves[str(row.id)] = {
                    "peaks": loud,
                    "seconds": seconds,
                    "sound": self.studio.clips.of(place),
                }
            except (GsvError, OSError) as error:
                waves[str(row.id)] = {"error": render.notice(as_gsv_error(error))}
        return {"waves": waves}


def _peaks(place: Path, changed: int) -> tuple[list[int], float]:
    return proofreading_clips.peaks(place, PEAKS)


def _standing_of(state: State, number: int) -> str:
    row = state.rows.get(number)
    return row.standing if row is not None else REPLACED


def _seen(question: Values) -> Seen | None:
    seen = question.get("seen")
    if not isinstance(seen, Mapping):
        return None
    return Seen(str(seen.get("epoch", "")), int(seen.get("revision", 0)))


def _query(value: Mapping[str, Any]) -> Query:
    """The query of a page; what makes no sense is as if it was not said."""
    size, page = value.get("size"), value.get("page")
    return Query(
        text=str(value.get("text") or "")[:200],
        language=str(value.get("language") or ""),
        speaker=str(value.get("speaker") or ""),
        show=next((name for name in SHOWN if name == value.get("show")), "all"),
        sort=next((name for name in SORTS if name == value.get("sort")), "list"),
        page=page if isinstance(page, int) else 1,
        size=size if isinstance(size, int) and size in PAGE_SIZES else 20,
    )

"""Proofreading of an annotation list: each edit is kept at once, and can be taken back.

Knows what a person may do with a list. Several threads, processes and browser pages may work on one
list: each says what it has seen, and an edit of something that has changed since is refused with what
it is now. The recordings are never written to; clips that are made lie in the folder `NAME.edits`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from gsv.corpus import proofreading_clips as clips
from gsv.corpus.annotation import MAXIMUM_SECONDS, locate
from gsv.corpus.proofreading_log import ListFiles
from gsv.corpus.proofreading_rows import DELETED, LIVE, REPLACED, Change, Edit, Part, Row, State, check_field
from gsv.corpus.proofreading_words import Heard, divide, heard_in, joined, read_words, words_path
from gsv.errors import GsvError, InputError

EDITABLE = ("text", "language", "speaker")


@dataclass(frozen=True)
class Seen:
    """What a page shows: which list (`epoch`), and the revision that it was at."""

    epoch: str
    revision: int


class ConflictError(GsvError):
    """What was to be changed has been changed by somebody else since it was looked at; nothing was done."""


class Proofreading:
    """A list that is being proofread. Opening one writes nothing but its empty lock file.

    `patience` is how many seconds another program may hold the list. Raises InputError for a list that is
    missing or not UTF-8, ResourceError where it cannot be kept.
    """

    def __init__(self, list_path: Path, audio_folder: Path | None = None, patience: float = 10.0) -> None:
        self.path, self.audio_folder = Path(list_path), audio_folder
        self._files = ListFiles(self.path, patience)
        self._mutex = threading.RLock()
        self._depth = 0
        self._heard: dict[str, Heard] = {}
        self._heard_at: int | None = None
        with self.held():
            pass

    @contextmanager
    def held(self) -> Iterator[State]:
        """The rows as they are now, held against everybody else; for looking only."""
        with self._mutex:
            if self._depth:  # held already, by this thread
                yield self._files.state
                return
            with self._files.held() as state:
                self._depth = 1
                try:
                    yield state
                finally:
                    self._depth = 0

    @property
    def seen(self) -> Seen:
        """What somebody who looks now has seen."""
        with self.held() as state:
            return Seen(self._files.epoch, state.revision)

    def notes(self) -> list[str]:
        """What a person should know of the files, since the last question."""
        with self._mutex:
            notes, self._files.notes = self._files.notes, []
        return notes

    def rows(self) -> list[Row]:
        """The rows of the list in its order."""
        with self.held() as state:
            return state.live()

    def place(self, row: Row) -> Path:
        """Where a row's recording lies."""
        return locate(row.path, self.path.parent, self.audio_folder)

    def heard(self) -> dict[str, Heard]:
        """What the recogniser heard, by the clips' paths."""
        source = words_path(self.path)
        changed = source.stat().st_mtime_ns if source.is_file() else None
        with self._mutex:
            if changed != self._heard_at:
                self._heard, self._heard_at = read_words(source), changed
            return self._heard

    def change(self, number: int, seen: Seen | None = None, **fields: str) -> Row:
        """Give a row another text, language or speaker; what is the same already is no edit.

        Raises InputError for a value that a list cannot hold, ConflictError for a row that has changed
        since it was `seen`.
        """
        unknown = set(fields) - set(EDITABLE)
        if unknown:
            raise InputError(f"{', '.join(sorted(unknown))} of a clip cannot be changed")
        clean = {name: check_field(name, value) for name, value in fields.items()}

        def edit(state: State) -> Edit:
            row = self._live(state, number)
            new = {name: value for name, value in clean.items() if getattr(row, name) != value}
            return _one(next(iter(new), ""), row, row.edited(**new) if new else row)

        return self._do(edit, seen, number).rows[number]

    def check(self, number: int, checked: bool = True, seen: Seen | None = None) -> Row:
        """Mark a row as proofread, or not. Raises ConflictError as `change`."""

        def edit(state: State) -> Edit:
            row = self._live(state, number)
            return _one("check" if checked else "uncheck", row, replace(row, checked=checked))

        return self._do(edit, seen, number).rows[number]

    def delete(self, number: int, seen: Seen | None = None) -> Row:
        """Take a row out of the list; its recording stays. Raises ConflictError as `change`."""

        def edit(state: State) -> Edit:
            row = self._live(state, number)
            return _one("delete", row, replace(row, standing=DELETED))

        return self._do(edit, seen, number).rows[number]

    def restore(self, number: int, seen: Seen | None = None) -> Row:
        """Put a deleted row back where it stood. Raises ConflictError as `change`."""

        def edit(state: State) -> Edit:
            row = state.row(number)
            if row.standing != DELETED:
                raise InputError("this clip is not deleted", "it stands in the list, or was split or merged")
            return _one("restore", row, replace(row, standing=LIVE))

        return self._do(edit, seen, number).rows[number]

    def suggest(self, number: int, seconds: float) -> tuple[str, str]:
        """How the row's text would divide if its clip were cut at this second."""
        from gsv import audio

        with self.held() as state:
            row = self._live(state, number)
        length = audio.probe(self.place(row)).seconds or seconds
        known = heard_in(row, self.heard())
        return divide(row.text, seconds / max(length, 1e-3), known.words if known else (), seconds)

    def split(
        self, number: int, seconds: float, texts: tuple[str, str] | None = None, seen: Seen | None = None
    ) -> tuple[Row, Row]:
        """Cut a row's clip in two new ones; without `texts` its text is divided as `suggest` says.

        Raises InputError for a point outside the clip, ConflictError as `change`.
        """
        left_text, right_text = (check_field("text", text) for text in texts or self.suggest(number, seconds))
        with self.held() as state:
            row = self._live(state, number)
            self._agree(state, seen, number)
        left, right, length = clips.cut(self.place(row), seconds, self._files.clips)
        sides = clips.cut_parts(row.parts or (Part(row.path, 0.0, length),), seconds)

        def edit(state: State) -> Edit:
            self._unchanged(state, row)
            first, second = (
                Row(
                    state.highest + 1 + at,
                    self._spelt(path, row),
                    row.speaker,
                    row.language,
                    text,
                    parts=parts,
                )
                for at, (path, text, parts) in enumerate(
                    zip((left, right), (left_text, right_text), sides, strict=True)
                )
            )
            gone = Change(row.id, row, replace(row, standing=REPLACED))
            made = (Change(first.id, None, first, row.id), Change(second.id, None, second, first.id))
            return Edit("split", (gone, *made))

        state = self._do(edit, seen, number)
        return state.rows[state.highest - 1], state.rows[state.highest]

    def merge(self, number: int, pause: float = 0.0, seen: Seen | None = None) -> Row:
        """Put a row and the next one of the list together as a new clip, with a pause of so many seconds.

        Raises InputError for the last row, for two speakers and for a clip too long to be trained on;
        ConflictError as `change`, for either of the two.
        """
        with self.held() as state:
            row = self._live(state, number)
            other = state.neighbour(number)
            if other is None:
                raise InputError("this clip cannot be merged", "no other follows it in the list")
            if row.speaker != other.speaker:
                why = f"it is of {row.speaker}, the next one of {other.speaker}"
                raise InputError("these clips cannot be merged", why, "Merge clips of one speaker.")
            self._agree(state, seen, row.id, other.id)
        sources = (self.place(row), self.place(other))
        made, (_, begin, length) = clips.join(sources, pause, self._files.clips, MAXIMUM_SECONDS)
        first = row.parts or (Part(row.path, 0.0, begin - pause),)
        second = other.parts or (Part(other.path, 0.0, length - begin),)

        def edit(state: State) -> Edit:
            self._unchanged(state, row, other)
            text = joined(row.text, other.text, row.language)
            parts = (*first, *clips.moved(second, begin))
            new = Row(state.highest + 1, self._spelt(made, row), row.speaker, row.language, text, parts=parts)
            gone = [Change(old.id, old, replace(old, standing=REPLACED)) for old in (row, other)]
            return Edit("merge", (*gone, Change(new.id, None, new, row.id)))

        state = self._do(edit, seen, row.id, other.id)
        return state.rows[state.highest]

    def undo(self, seen: Seen | None = None) -> Edit:
        """Take the last edit of the list back, whoever made it.

        Raises InputError where there is none, ConflictError where the list has changed since it was seen.
        """
        return self._step("undo", seen)

    def redo(self, seen: Seen | None = None) -> Edit:
        """Do the edit again that was taken back last; raises as `undo`."""
        return self._step("redo", seen)

    def _step(self, kind: str, seen: Seen | None) -> Edit:
        with self.held() as state:
            if seen is not None and seen != self.seen:
                raise ConflictError(
                    "the list was changed in another window",
                    "it is shown as it is now",
                    "Look, and press again.",
                )
            edit = state.undo() if kind == "undo" else state.redo()
            self._files.append(kind)
            return edit

    def _do(self, make: Callable[[State], Edit], seen: Seen | None, *numbers: int) -> State:
        """Make an edit and keep it, unless a row of it has changed since it was seen."""
        with self.held() as state:
            self._agree(state, seen, *numbers)
            edit = make(state)
            if any(change.before != change.after for change in edit.changes):
                state.apply(edit)
                self._files.append("edit", edit)
            return self._files.state

    def _agree(self, state: State, seen: Seen | None, *numbers: int) -> None:
        if seen is None:
            return
        same_list = seen.epoch == self._files.epoch
        if not same_list or any(state.touched.get(number, 0) > seen.revision for number in numbers):
            raise ConflictError(
                "this clip was changed in another window",
                "it is shown as it is now",
                "Look, and do it again.",
            )

    def _unchanged(self, state: State, *rows: Row) -> None:
        """While a clip was being made, its sources must have stayed what they were."""
        if any(state.rows.get(row.id) != row for row in rows):
            raise ConflictError(
                "this clip was changed in another window",
                "it is shown as it is now",
                "Look, and do it again.",
            )

    def _live(self, state: State, number: int) -> Row:
        row = state.row(number)
        if row.standing != LIVE:
            raise InputError("this clip is no longer in the list", "it was deleted, split or merged")
        return row

    def _spelt(self, clip: Path, like: Row) -> str:
        """How the list spells a new clip: as the row it comes from, by a full path or from the list's folder."""
        folder = Path(self._files.list).parent
        near = self.path.parent.resolve() == folder
        if near and not Path(like.path).is_absolute() and ":" not in like.path[:3]:
            return clip.relative_to(folder).as_posix()
        return clip.as_posix()


def _one(kind: str, before: Row, after: Row) -> Edit:
    return Edit(kind, (Change(before.id, before, after),))

"""From a text as a person wrote it to what will be said: sentences with phones, and breaks between them.

Knows the order: markup, sentences, routing, lexicon, languages. Does not know voices or audio.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from gsv.errors import InputError
from gsv.text import lexicon as lexicons
from gsv.text.characters import script_of
from gsv.text.frontend import joined, speak
from gsv.text.lexicon import Lexicon
from gsv.text.markup import Break, Marked, Passage, parse
from gsv.text.reading import NATURAL, Manner, Phones, Spoken, Unread
from gsv.text.routing import CHOICES, Segment, choice_code, route
from gsv.text.splitting import at_most, breaths, cut, only_marks, prepared, sentences

SENTENCES = "sentences"


@dataclass(frozen=True)
class Utterance:
    """One piece of speech: its text, its segments with their languages, and its phones as a whole."""

    text: str
    segments: tuple[Spoken, ...]
    phones: Phones
    rate: float = 1.0


@dataclass(frozen=True)
class Plan:
    """Utterances and breaks in their order, and everything that a person should know about the text."""

    items: tuple[Utterance | Break, ...]
    warnings: tuple[str, ...] = ()
    unread: tuple[Unread, ...] = ()

    @property
    def utterances(self) -> tuple[Utterance, ...]:
        """The utterances alone."""
        return tuple(item for item in self.items if isinstance(item, Utterance))


@dataclass
class _Request:
    """What stays the same over the pieces of one text, and what they leave to be told."""

    version: str
    marked: Marked
    entries: dict[tuple[str, str], str]
    manner: Manner = NATURAL
    unread: list[Unread] = field(default_factory=list)

    def utterance(self, passage: Passage, places: list[int], piece: str, code: str) -> Utterance | None:
        """A piece whose characters stand at `places` of `passage`, or None where nothing of it can be said."""
        routed = route(piece, code)
        said = lexicons.replaced(routed, self.entries, self.marked)
        spoken = speak(said, self.version, self.marked.inserts, self.manner)
        for part, before in zip(spoken, routed, strict=True):
            for item in part.unread:
                # Where the lexicon rewrote a segment, only its beginning is known.
                inside = item.position if part.segment.text == before.text else before.start
                place = passage.places[places[min(inside, len(places) - 1)]]
                self.unread.append(replace(item, position=place))
        if not any(part.reading.phones for part in spoken):
            return None
        return Utterance(
            self.marked.written(piece), tuple(spoken), joined(spoken, _main(routed, code)), passage.rate
        )


def plan(
    text: str,
    choice: str = "auto",
    version: str = "v2",
    method: str = SENTENCES,
    lexicon: Lexicon | None = None,
    longest: int = 510,
    least: int = 0,
    breath: int = 0,
    manner: Manner = NATURAL,
) -> Plan:
    """What is said of `text`, in the language of `choice` (`auto`, `zh`, `all_ja`, ...) where no tag says otherwise.

    `method` is `sentences`, or `cut0` to `cut5` as published; no piece is longer than `longest` characters,
    nor much longer to say than `breath` letters (0: no such limit; see `splitting.width`).
    An utterance of fewer than `least` phones begins with a full stop: published models swallow very short ones (6).
    Raises `InputError` where nothing can be said, for an unknown choice or method, and for wrong markup.
    """
    _check(choice, version)
    marked = parse(text)
    request = _Request(version, marked, lexicon.entries() if lexicon is not None else {}, manner)
    items: list[Utterance | Break] = []
    for item in marked.items:
        if isinstance(item, Break):
            items.append(item)
            continue
        code = item.language or choice
        for places, piece in _pieces(item.text, method, longest, breath, english=code == "en"):
            utterance = request.utterance(item, places, piece, code)
            if utterance is not None:
                items.append(_eased(utterance, least))
    if not any(isinstance(item, Utterance) for item in items):
        raise InputError(
            "the text has nothing to say", "no letter, digit or character with a sound", "write some words"
        )
    unread = tuple(request.unread)
    missing = [f"no reading for {item.character!r} at position {item.position}" for item in unread]
    return Plan(tuple(items), (*marked.warnings, *missing), unread)


def _check(choice: str, version: str) -> None:
    """Raise `InputError` where the chosen language has no phones in the symbol table of `version`."""
    chosen = CHOICES[choice_code(choice)].removeprefix("auto_")
    if version == "v1" and chosen in ("ko", "yue"):
        raise InputError(
            f"symbol table v1 has no phones for {chosen}",
            "models of version v1 read zh, en and ja",
            "use a v2 model, or another language",
        )


def _eased(utterance: Utterance, least: int) -> Utterance:
    phones = utterance.phones
    if len(phones.phones) >= least:
        return utterance
    counts = None if phones.word2ph is None else [1, *phones.word2ph]
    longer = replace(phones, phones=[".", *phones.phones], word2ph=counts, normalized=f".{phones.normalized}")
    return replace(utterance, phones=longer)


def _pieces(text: str, method: str, longest: int, breath: int, english: bool) -> list[tuple[list[int], str]]:
    """Pieces of a text, without those that are only marks, each with where its characters stand in the text."""
    if method == SENTENCES:
        found = sentences(text, longest)
    else:
        found = [part for piece in prepared(cut(text, method), english) for part in at_most(piece, longest)]
    found = [part for piece in found for part in breaths(piece, breath)]
    placed: list[tuple[list[int], str]] = []
    cursor = 0
    for piece in found:
        places, cursor = _aligned(text, piece, cursor)
        if not only_marks(piece):
            placed.append((places, piece))
    return placed


def _aligned(text: str, piece: str, cursor: int) -> tuple[list[int], int]:
    """Where each character of `piece` stands in `text` from `cursor` on, and where the next piece begins.

    A published way to cut drops marks and line feeds, and adds marks; an added one gets the place behind.
    """
    places: list[int] = []
    for character in piece:
        ahead = cursor
        while ahead < len(text) and text[ahead] != character and script_of(text[ahead]) == "mark":
            ahead += 1
        if ahead < len(text) and text[ahead] == character:
            places.append(ahead)
            cursor = ahead + 1
        else:
            places.append(min(cursor, len(text) - 1))
    return places, cursor


def _main(segments: list[Segment], code: str) -> str:
    """The language whose counts an utterance gets: the chosen one, else Chinese where there is any."""
    chosen = CHOICES[choice_code(code)]
    if not chosen.startswith("auto"):
        return chosen
    languages = {segment.language for segment in segments}
    return next((name for name in ("zh", "yue", "ja", "ko", "en") if name in languages), "en")

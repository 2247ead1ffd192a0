"""English words of two pronunciations, told apart by the words beside them.

Knows small words that announce a verb or a noun, and habits of single words. Does not know parts of speech at large:
where nothing tells, a word is said in its usual way.
"""

from __future__ import annotations

from collections.abc import Sequence

from gsv.text.wordlist import words

_BEFORE_VERB = frozenset(
    words(
        "to will would can could should must may might shall do does did don't doesn't didn't won't can't couldn't "
        "shouldn't wouldn't i you we they who please let's never always i'll you'll we'll they'll he'll she'll it'll "
        "help just cannot ought gotta gonna wanna let us often usually really also"
    )
)
_BEFORE_NOUN = frozenset(
    words(
        "the a an my your his her its our their this that these those no some any every each another of in for with "
        "from by on at what's whose new old good bad first last next own great big small same more less several many"
    )
)
_BE = frozenset(
    words("am is are was were be been being i'm you're he's she's it's we're they're seem feel felt")
)
_HAVE = frozenset(
    words("have has had having i've you've we've they've he's she's who've haven't hasn't hadn't i'd")
)
_PAST = frozenset(words("yesterday ago last once earlier previously had was were before aloud"))
_PARTICLES = frozenset(words("up down around through back its apart off away out"))

# Said as a noun (or adjective), and as a verb.
_NOUN_VERB = {
    "record": "R EH1 K ER0 D|R IH0 K AO1 R D", "records": "R EH1 K ER0 D Z|R IH0 K AO1 R D Z",
    "present": "P R EH1 Z AH0 N T|P R IY0 Z EH1 N T", "presents": "P R EH1 Z AH0 N T S|P R IY0 Z EH1 N T S",
    "object": "AA1 B JH EH0 K T|AH0 B JH EH1 K T", "objects": "AA1 B JH EH0 K T S|AH0 B JH EH1 K T S",
    "project": "P R AA1 JH EH0 K T|P R AH0 JH EH1 K T", "projects": "P R AA1 JH EH0 K T S|P R AH0 JH EH1 K T S",
    "produce": "P R OW1 D UW0 S|P R AH0 D UW1 S", "conduct": "K AA1 N D AH0 K T|K AH0 N D AH1 K T",
    "conflict": "K AA1 N F L IH0 K T|K AH0 N F L IH1 K T", "contract": "K AA1 N T R AE2 K T|K AH0 N T R AE1 K T",
    "contrast": "K AA1 N T R AE0 S T|K AH0 N T R AE1 S T", "convert": "K AA1 N V ER0 T|K AH0 N V ER1 T",
    "convict": "K AA1 N V IH0 K T|K AH0 N V IH1 K T", "desert": "D EH1 Z ER0 T|D IH0 Z ER1 T",
    "insult": "IH1 N S AH2 L T|IH2 N S AH1 L T", "permit": "P ER1 M IH2 T|P ER0 M IH1 T",
    "rebel": "R EH1 B AH0 L|R IH0 B EH1 L", "refuse": "R EH1 F Y UW2 Z|R AH0 F Y UW1 Z",
    "subject": "S AH1 B JH IH0 K T|S AH0 B JH EH1 K T", "suspect": "S AH1 S P EH2 K T|S AH0 S P EH1 K T",
    "increase": "IH1 N K R IY2 S|IH0 N K R IY1 S", "decrease": "D IY1 K R IY2 S|D IH0 K R IY1 S",
    "import": "IH1 M P AO2 R T|IH2 M P AO1 R T", "export": "EH1 K S P AO0 R T|EH0 K S P AO1 R T",
    "progress": "P R AA1 G R EH2 S|P R AH0 G R EH1 S", "protest": "P R OW1 T EH2 S T|P R AH0 T EH1 S T",
    "perfect": "P ER1 F IH2 K T|P ER0 F EH1 K T", "separate": "S EH1 P ER0 IH0 T|S EH1 P ER0 EY2 T",
    "estimate": "EH1 S T AH0 M AH0 T|EH1 S T AH0 M EY2 T",
    "duplicate": "D UW1 P L AH0 K AH0 T|D UW1 P L AH0 K EY2 T",
    "graduate": "G R AE1 JH AH0 W AH0 T|G R AE1 JH AH0 W EY2 T",
    "delegate": "D EH1 L AH0 G AH0 T|D EH1 L AH0 G EY2 T",
    "moderate": "M AA1 D ER0 AH0 T|M AA1 D ER0 EY2 T", "associate": "AH0 S OW1 S IY0 AH0 T|AH0 S OW1 S IY0 EY2 T",
    "advocate": "AE1 D V AH0 K AH0 T|AE1 D V AH0 K EY2 T", "alternate": "AO1 L T ER0 N AH0 T|AO1 L T ER0 N EY2 T",
    "use": "Y UW1 S|Y UW1 Z", "excuse": "IH0 K S K Y UW1 S|IH0 K S K Y UW1 Z",
    "abuse": "AH0 B Y UW1 S|AH0 B Y UW1 Z",
    "close": "K L OW1 S|K L OW1 Z", "house": "HH AW1 S|HH AW1 Z", "resume": "R EH1 Z AH0 M EY2|R IH0 Z UW1 M",
    "wind": "W IH1 N D|W AY1 N D", "lives": "L AY1 V Z|L IH1 V Z", "upset": "AH0 P S EH1 T|AH0 P S EH1 T",
}  # fmt: skip
# Of these the verb is the usual one.
_USUALLY_VERB = frozenset(
    words("produce conduct convert refuse insult permit use excuse separate graduate resume lives associate")
)
_ADJECTIVES = frozenset(words("close perfect separate moderate alternate duplicate"))
_OBJECTS = frozenset(words("a an the my your his her our their it me them us this that these those"))
_STOPS = frozenset(words(". , ! ?"))
_SELDOM_VERBS = frozenset(words("really just also i always"))
_LISTENED = (
    "music show shows stream streams streaming tv event events broadcast performance performances band audience "
    "concert coverage feed video update updates chat action sport sports wire ammunition"
)
# In the usual way, in the other way, and what tells the other way: a word before it, or one behind it.
_HABITS: dict[str, tuple[str, str, frozenset[str], frozenset[str]]] = {
    word: (usual, other, frozenset(words(before)), frozenset(words(after)))
    for word, usual, other, before, after in (
        (
            "lead",
            "L IY1 D",
            "L EH1 D",
            "molten",
            "pipe pipes paint poisoning acid ore bullet bullets pencil levels",
        ),
        ("live", "L IH1 V", "L AY1 V", "went go goes going", _LISTENED),
        ("dove", "D AH1 V", "D OW1 V", "", "into in down under off for right"),
        ("wound", "W UW1 N D", "W AW1 N D", "", "up down around through back its apart off away out"),
        (
            "minute",
            "M IH1 N AH0 T",
            "M AY0 N UW1 T",
            "",
            "details detail amounts amount differences particles traces",
        ),
        (
            "content",
            "K AA1 N T EH0 N T",
            "K AH0 N T EH1 N T",
            "quite not perfectly am is was were be been",
            "with",
        ),
        ("bow", "B AW1", "B OW1", "cross violin hair", "and tie ties"),
        ("tears", "T IH1 R Z", "T EH1 R Z", "he she it who", "apart down through off away"),
    )
}
_FISH = frozenset(words("fish fishing lake caught striped sea black river fillet largemouth"))


def heard(tokens: Sequence[str]) -> dict[int, tuple[str, ...]]:
    """Phones of those words and marks of a sentence, by place, whose neighbours choose their pronunciation."""
    lower = [token.lower() for token in tokens]
    found: dict[int, tuple[str, ...]] = {}
    for place, word in enumerate(lower):
        if word in _NOUN_VERB:
            noun, verb = _NOUN_VERB[word].split("|")
            said = verb if _is_verb(word, lower, place) else noun
        else:
            said = _single(tokens, lower, place)
        if said:
            found[place] = tuple(said.split())
    return found


def _near(lower: Sequence[str], place: int, distance: int) -> str:
    return lower[place + distance] if 0 <= place + distance < len(lower) else "."


def _is_verb(word: str, lower: Sequence[str], place: int) -> bool:
    before, after = _near(lower, place, -1), _near(lower, place, 1)
    if word == "close":
        asked = before in _BEFORE_VERB - _SELDOM_VERBS and after != "to"
        return after in _OBJECTS or after in ("of", "down", "all") or asked
    if word == "wind":
        return after in ("up", "down", "around", "through", "back", "the") and before not in _BEFORE_NOUN
    if (word == "use" and before == "of") or (word in _ADJECTIVES and before in _BE):
        return False
    if before in _BEFORE_NOUN:
        pointing = before in ("that", "this", "these", "those") and word not in ("record", "increase")
        return pointing and after in _OBJECTS
    if before in _BEFORE_VERB:
        return True
    if place == 0 or before in _STOPS or before == "and":
        return after in _OBJECTS
    return word in _USUALLY_VERB


def _single(tokens: Sequence[str], lower: Sequence[str], place: int) -> str:
    """Words with habits of their own; an empty string for any other."""
    word, before, after = lower[place], _near(lower, place, -1), _near(lower, place, 1)
    if word == "read":
        return "R EH1 D" if _was_read(lower, place) else "R IY1 D"
    if word == "tear":
        eye = after == "gas" or bool({"shed", "single", "last"} & set(lower[max(0, place - 3) : place]))
        ripped = after in _PARTICLES | _OBJECTS | {"in"} or before in _BEFORE_VERB
        return "T IH1 R" if eye or not ripped else "T EH1 R"
    if word == "used":
        return "Y UW1 S T" if after == "to" and before not in _BE | _HAVE else "Y UW1 Z D"
    if word == "polish":
        return "P OW1 L IH0 SH" if tokens[place][0] == "P" and place else "P AA1 L IH0 SH"
    if word == "bass":
        return "B AE1 S" if _FISH & set(lower) else "B EY1 S"
    if word not in _HABITS:
        return ""
    usual, other, told_before, told_after = _HABITS[word]
    shown = word == "live" and before in _BE and after in _STOPS | {"on", "now", "from"}
    metal = word == "lead" and before == "of" and after in _STOPS
    return other if before in told_before or after in told_after or shown or metal else usual


def _was_read(lower: Sequence[str], place: int) -> bool:
    before = _near(lower, place, -1)
    if before in _HAVE | _BE or before in ("he", "she", "it", "well", "widely"):
        return True
    return before not in _BEFORE_VERB - {"i", "you", "we", "they", "who"} and bool(_PAST & set(lower))

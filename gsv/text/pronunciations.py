"""What a workspace says about pronunciation: its lexicons, and the models that read Chinese there.

Knows which files count for a text; not what stands in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gsv.settings import Workspace
from gsv.text.g2pw import installed
from gsv.text.lexicon import Lexicon
from gsv.text.reading import Manner

LEXICON = "lexicon.tsv"


@dataclass(frozen=True)
class Pronunciations:
    """How a text is read: words of lexicons first, then the manner of the languages."""

    lexicon: Lexicon
    manner: Manner


def lexicon_files(workspace: Workspace, *inside: Path) -> tuple[Path, ...]:
    """The lexicons that count for files or folders `inside` a workspace, the nearest last: it wins.

    There is one for the workspace (`lexicon.tsv` beside webui.py), and any folder under it that holds them (an
    experiment, a voice) may have its own. They need not exist.
    """
    root = workspace.root.resolve()
    found = [root / LEXICON]
    for path in inside:
        parents = [place for place in (path.resolve(), *path.resolve().parents) if root in place.parents]
        found += [place / LEXICON for place in reversed(parents) if place / LEXICON not in found]
    return tuple(found)


def pronunciations(workspace: Workspace, *inside: Path) -> Pronunciations:
    """What counts for `inside` a workspace. Raises `WeightsError` where a g2pW model there is not whole."""
    return Pronunciations(
        Lexicon(*lexicon_files(workspace, *inside)), Manner(polyphones=installed(workspace.pretrained))
    )

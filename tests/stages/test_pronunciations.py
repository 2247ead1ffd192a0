"""The text stage reads with lexicons, and reads again only the rows that a changed one concerns."""

from __future__ import annotations

from pathlib import Path

from gsv.corpus.tables import read_text_table
from gsv.settings import Workspace
from gsv.stages.text import extract_text


def test_a_changed_lexicon_concerns_its_rows(workspace: Path) -> None:
    folder = Workspace(workspace).experiment("anna")

    def extract() -> int:
        counts = extract_text(
            folder, workspace / "my clips" / "voice's.list", audio_folder=workspace / "my clips", workers=1
        )
        return counts.done

    assert extract() == 7
    assert extract() == 0
    table = folder / "2-name2text.txt"
    before = read_text_table(table)
    name, row = next((name, row) for name, row in before.items() if "the" in row.normalized.lower().split())
    (folder / "lexicon.tsv").write_text("en\tthe\tDH IY1\n", encoding="utf-8")
    changed = extract()
    assert 1 <= changed < 7
    assert "IY1" in read_text_table(table)[name].phones
    assert row.phones != read_text_table(table)[name].phones
    (folder / "lexicon.tsv").unlink()
    assert extract() == changed
    assert read_text_table(table) == before

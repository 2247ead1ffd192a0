"""Edit distance and greedy reading, against a plain table and by hand."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from gsv.training.phone_error import edit_distance, greedy_phones, plain_symbols

SEQUENCES = st.lists(st.integers(0, 4), max_size=9)


def table_distance(first: list[int], second: list[int]) -> int:
    table = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i in range(len(first) + 1):
        for j in range(len(second) + 1):
            if not i or not j:
                table[i][j] = i + j
                continue
            swap = table[i - 1][j - 1] + (first[i - 1] != second[j - 1])
            table[i][j] = min(swap, table[i - 1][j] + 1, table[i][j - 1] + 1)
    return table[-1][-1]


@given(SEQUENCES, SEQUENCES)
def test_edit_distance_equals_the_table(first: list[int], second: list[int]) -> None:
    assert edit_distance(first, second) == table_distance(first, second)


def test_greedy_reading_joins_repeats_and_drops_blanks() -> None:
    frames = [3, 3, 7, 3, 2, 2, 7]
    logits = torch.nn.functional.one_hot(torch.tensor(frames), 8).float()
    assert greedy_phones(logits) == [3, 3, 2]


def test_tones_and_stress_are_one_class() -> None:
    from gsv.text.symbols import table

    names, plain = table("v2").names, plain_symbols()
    assert plain[names.index("ang1")] == plain[names.index("ang4")]
    assert plain[names.index("AH0")] == plain[names.index("AH1")]
    assert plain[names.index("b")] != plain[names.index("p")]

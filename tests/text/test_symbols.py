"""The published numberings: sizes, hashes, groups, and what happens to a phone that a table lacks."""

from __future__ import annotations

import pytest

from gsv.errors import InputError
from gsv.text import symbols

HASHES = {
    "v1": "f7c3b280b9cc519b0829a6f182fcdd208643a07f1e20c1ab2bf4fc9e8e9a7ca6",
    "v2": "0771f6cd6f6201e8c2b0de921dc69cc04caf3f346c599d4a41413967d5674da7",
}


@pytest.mark.parametrize(("version", "size"), [("v1", 322), ("v2", 732)])
def test_published_order(version: str, size: int) -> None:
    table = symbols.table(version)
    assert len(table) == size
    assert table.sha256 == HASHES[version]
    assert table.ids(table.names) == list(range(size))


def test_later_families_share_the_second_table() -> None:
    for version in ("v2Pro", "v2ProPlus", "v3", "v4", "tiny"):
        assert symbols.table(version).names == symbols.table("v2").names


def test_first_table_keeps_its_numbers_in_the_second() -> None:
    assert symbols.table("v2").names[:322] == symbols.table("v1").names
    assert symbols.table("v2").ids(["!", "…", "[", "]"]) == [0, 321, 322, 323]


def test_missing_phone_is_named() -> None:
    with pytest.raises(InputError, match=r"no Yaa1 \["):
        symbols.table("v1").ids(["[", "AA1", "Yaa1"])
    assert symbols.table("v1").known(["[", "AA1"]) == ["UNK", "AA1"]

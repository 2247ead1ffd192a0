"""What is sent to a page and what a browser remembered: nothing that a person chose is undone."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gsv.studio import parts

DEFAULTS: dict[str, Any] = {"name": "anna", "epochs": 8, "speed": 1.0}


def test_a_choice_made_meanwhile_is_not_undone() -> None:
    seen: parts.Seen = {}
    first = parts.choice(seen, "voices", ["a", "b"], None, "a")
    assert first["choices"] == ["a", "b"] and first["value"] == "a"
    # the page asked while "a" was chosen; whatever the person chooses now, the answer names no value
    assert "value" not in parts.choice(seen, "voices", ["a", "b"], "a", "a")
    more = parts.choice(seen, "voices", ["a", "b", "c"], "a", "a")
    assert more["choices"] == ["a", "b", "c"] and "value" not in more
    assert parts.choice(seen, "voices", ["b"], "a", "b")["value"] == "b"


def test_what_was_kept_is_filled_in() -> None:
    kept = json.dumps({"name": "我的", "epochs": 77, "speed": 1, "unknown": 1})
    assert parts.remembered(kept, DEFAULTS) == {"name": "我的", "epochs": 77, "speed": 1}


@given(
    st.text()
    | st.builds(
        json.dumps,
        st.dictionaries(
            st.sampled_from([*DEFAULTS, "other"]),
            st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers(), max_size=2),
        )
        | st.lists(st.text(), max_size=2),
    )
)
def test_a_damaged_memory_gives_the_defaults(kept: str) -> None:
    values = parts.remembered(kept, DEFAULTS)
    assert values.keys() == DEFAULTS.keys()
    assert isinstance(values["name"], str)
    assert all(isinstance(values[name], int | float) for name in ("epochs", "speed"))

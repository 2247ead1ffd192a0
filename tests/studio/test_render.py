"""Nothing that comes from a file or a person reaches the page as HTML."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gsv.jobs import Command, JobState, JobView, Reason, State
from gsv.studio import render
from gsv.studio.labels import LANGUAGES, Labels

EVIL = "<img src=x onerror=alert(1)>{{1}}${2}\"'"


def view_of(state: JobState, text: str) -> JobView:
    reason = Reason(what=text, why=text, remedy=text) if state is JobState.FAILED else None
    command = Command(id=text, title=text, script="x.py", arguments=(), line=text, created=1.0)
    return JobView(
        command=command,
        state=State(state=state, started=1.0, reason=reason),
        folder=Path(),
        place=1 if state is JobState.QUEUED else 0,
        done=1,
        total=2,
        fraction=0.5,
        what=text,
        message=text,
        counts={"read": 2, "failed": 1, "reasons": {text: text}},
    )


@given(text=st.text() | st.just(EVIL), state=st.sampled_from(JobState), language=st.sampled_from(LANGUAGES))
def test_everything_is_escaped(text: str, state: JobState, language: str) -> None:
    labels = Labels(language)
    view = view_of(state, text + EVIL)
    pages = [
        render.card(view, labels, "", ""),
        render.job_list([view], labels, view.id),
        render.log(text + EVIL, labels),
        render.strip([view], labels),
        render.table([EVIL], [[text + EVIL]]),
        render.notice(Reason(what=EVIL, why=EVIL, remedy=EVIL)),
    ]
    assert all("<img" not in page for page in pages)


def test_failure_shows_its_three_parts() -> None:
    html = render.card(view_of(JobState.FAILED, "the disk is full"), Labels("en"), "", "")
    assert html.count("the disk is full") >= 4 and "What helps:" in html


def test_items_that_an_earlier_stage_left_out_are_counted() -> None:
    view = replace(
        view_of(JobState.DONE, "x"),
        counts={"read": 20, "done": 20, "failed": 0, "reasons": {}},
        failed_items=(("clip-900", "there is no such file"),),
    )
    html = render.card(view, Labels("en"), "", "")
    assert "<b>1</b> failed" in html and "Left out: 1." in html and "there is no such file" in html


def test_figures_are_for_people() -> None:
    labels = Labels("en")
    running = view_of(JobState.RUNNING, "x")
    long = replace(running, what="samples", done=1_472_000.0, total=36_505_600.0, fraction=0.04)
    assert "e+0" not in render.line_of(long, labels) and "samples" not in render.line_of(long, labels)
    assert "4 %" in render.line_of(long, labels)
    many = replace(running, what="epoch 3", done=1_284, total=700_000, fraction=0.002)
    assert "epoch 3 · 1,284/700,000" in render.line_of(many, labels)


def test_job_without_figures_keeps_its_lines() -> None:
    labels = Labels("en")
    empty = JobView(command=view_of(JobState.QUEUED, "x").command, state=State(), folder=Path(), place=2)
    assert "Place 2 in line" in render.card(empty, labels, "", "")
    assert "No jobs yet" in render.job_list([], labels, "")

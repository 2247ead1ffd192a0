"""Scores to a summary that a person can read and a program can compare.

Knows means, medians and the worst ten. Does not know how a figure was measured. Languages are kept apart,
because a word error rate and a character error rate must not be averaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median
from typing import Any

from gsv.evaluation.scoring import Score

WORST = 10
_LOWER_IS_BETTER = {"error_rate", "error_rate_second", "phone_error_rate", "similarity_source"}
_TITLES = {
    "error_rate": "word or character error rate",
    "error_rate_second": "word error rate, second recogniser",
    "phone_error_rate": "phone error rate",
    "similarity_target": "similarity to the target",
    "similarity_source": "similarity to the source (ceiling: source to target)",
    "margin": "nearer to the target than to the source, by",
    "margin_others": "nearer to the target than to other targets, by",
    "nearest": "share whose nearest target is its own",
    "second_similarity_target": "similarity to the target, second judge",
    "second_margin": "nearer to the target than to the source, second judge, by",
    "quality": "quality (DNSMOS overall)",
}


def summarise(scores: Sequence[Score]) -> dict[str, Any]:
    """JSON-ready data: for each language and named group, and over all, `mean`, `median`, `worst`, ceiling."""
    good = [score for score in scores if not score.reason]
    languages = sorted({score.language for score in good if score.language})
    groups = {language: [score for score in good if score.language == language] for language in languages}
    named = sorted({name for score in good for name in score.groups})
    groups |= {name: [score for score in good if name in score.groups] for name in named}
    if len(languages) != 1:
        groups["all"] = good
    summary = {name: _group(members) for name, members in groups.items()}
    rows = [
        {
            "wav": score.name,
            "language": score.language,
            "text": score.text,
            "heard": score.heard,
            "groups": list(score.groups),
            "figures": score.figures,
            "ceilings": score.ceilings,
            "reason": score.reason,
        }
        for score in scores
    ]
    return {"clips": len(scores), "failed": len(scores) - len(good), "summary": summary, "rows": rows}


def _group(scores: Sequence[Score]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    mixed = len({score.language for score in scores}) > 1
    for name in _TITLES:
        if mixed and name in ("error_rate", "error_rate_second", "phone_error_rate"):
            continue
        members = [score for score in scores if name in score.figures]
        if members:
            found[name] = _figure(name, members)
    return found


def _figure(name: str, scores: Sequence[Score]) -> dict[str, Any]:
    values = [score.figures[name] for score in scores]
    ordered = sorted(scores, key=lambda score: score.figures[name], reverse=name in _LOWER_IS_BETTER)
    figure: dict[str, Any] = {
        "count": len(values),
        "mean": fmean(values),
        "median": median(values),
        "worst": [{"wav": score.name, "value": score.figures[name]} for score in ordered[:WORST]],
    }
    ceilings = [score.ceilings[name] for score in scores if name in score.ceilings]
    if ceilings:
        figure |= {"ceiling_mean": fmean(ceilings), "ceiling_median": median(ceilings)}
    counts = [score.counts[name] for score in scores if name in score.counts]
    if counts:
        figure["pooled"] = sum(count.edits for count in counts) / max(
            1, sum(count.length for count in counts)
        )
    return figure


def table(report: dict[str, Any]) -> str:
    """The summary as lines of text, then the worst clips and those that failed."""
    lines = [f"{report['clips']} clips, {report['failed']} failed", ""]
    names = max([6, *(len(name) + 1 for name in report["summary"])])
    head = f"{'':<{names}}{'figure':<54}{'clips':>6}{'mean':>8}{'median':>8}{'ceiling':>9}{'(median)':>10}"
    lines += [head, "-" * len(head)]
    worst = []
    for language, figures in report["summary"].items():
        for name, figure in figures.items():
            ceiling = "".join(
                f"{figure[key]:>{width}.3f}" if key in figure else f"{'-':>{width}}"
                for key, width in (("ceiling_mean", 9), ("ceiling_median", 10))
            )
            lines.append(
                f"{language:<{names}}{_TITLES[name]:<54}{figure['count']:>6}{figure['mean']:>8.3f}"
                f"{figure['median']:>8.3f}{ceiling}"
            )
            clips = ", ".join(f"{entry['wav']} {entry['value']:.3f}" for entry in figure["worst"])
            worst.append(f"{language} {_TITLES[name]}: {clips}")
    lines += ["", f"Worst {WORST}:", *worst]
    failed = [f"{row['wav']}: {row['reason']}" for row in report["rows"] if row["reason"]]
    return "\n".join(lines + (["", "Failed:", *failed] if failed else []))

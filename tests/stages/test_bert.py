"""BERT features of Mandarin rows: made beside the text table, done again for another text or encoder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gsv.corpus.experiment import Experiment
from gsv.corpus.tables import load_tensor, read_text_table
from gsv.errors import Cancelled, WeightsError
from gsv.events import RecordedEvents
from gsv.features.bert import BertEncoder, spread
from gsv.stages.bert import extract_bert
from gsv.stages.inputs import PreparationInputs
from gsv.workflows.prepare import prepare_text
from tests.features.miniature_bert import write_bert

NAME = "voice"


def inputs(workspace: Path, **changes: Any) -> PreparationInputs:
    values = {"experiment": NAME, "list_path": workspace / "my clips" / "voice's.list", "workspace": workspace,
              "workers": 1, "device": "cpu", "family": "v2", **changes}  # fmt: skip
    return PreparationInputs(**values)


def features(experiment: Experiment) -> dict[str, torch.Tensor]:
    return {
        path.name.removesuffix(".pt"): load_tensor(path, (12, None))
        for path in sorted(experiment.bert_folder.glob("*.pt"))
    }


def test_mandarin_rows_get_the_vectors_of_their_characters(workspace: Path) -> None:
    write_bert(workspace / "b e r t")
    counts = prepare_text(inputs(workspace, bert=workspace / "b e r t"))["bert"]
    experiment = Experiment.open(workspace / "logs" / NAME)
    rows = {
        name: row
        for name, row in read_text_table(experiment.text_table).items()
        if experiment.record.items[name].language == "zh"
    }
    found = features(experiment)
    assert set(found) == set(rows) and (counts.read, counts.done, counts.failed) == (3, 3, 0)
    encoder = BertEncoder.load(workspace / "b e r t")
    for name, row in rows.items():
        assert row.word2ph is not None and found[name].shape == (12, len(row.phones))
        wanted = spread(encoder.features([row.normalized])[0], row.word2ph)
        assert torch.allclose(found[name], wanted, atol=1e-4)


def test_what_changed_is_done_again(workspace: Path) -> None:
    for seed, name in enumerate(("first", "second")):
        write_bert(workspace / name, seed=seed)
    first = inputs(workspace, bert=workspace / "first")
    prepare_text(first)
    experiment = Experiment.open(workspace / "logs" / NAME)
    damaged = next(iter(features(experiment)))
    # What is made alone may be rounded otherwise than beside others: from here on everything is made alone.
    (experiment.bert_folder / f"{damaged}.pt").write_bytes(b"torn")
    assert prepare_text(first)["bert"].done == 1
    before = features(experiment)
    assert prepare_text(first)["bert"].skipped == 3
    path = first.annotations
    path.write_text(path.read_text(encoding="utf-8").replace("再见。", "再见我们。"), encoding="utf-8")
    assert (prepare_text(first)["bert"].done, len(features(experiment))) == (1, 3)
    (experiment.bert_folder / f"{damaged}.pt").write_bytes(b"torn")
    assert prepare_text(first)["bert"].done == 1
    changed = {name for name, value in features(experiment).items() if not torch.equal(value, before[name])}
    assert len(changed) == 1
    # Another encoder: nothing of the first may stay, not even where the run is stopped at once.
    events = RecordedEvents()
    events.request_stop()
    with pytest.raises(Cancelled):
        extract_bert(experiment.folder, workspace / "second", device="cpu", events=events)
    assert not features(experiment)
    counts = extract_bert(experiment.folder, workspace / "second", device="cpu")
    after = features(experiment)
    assert counts.done == 3 and all(
        value.shape != before[name].shape or not torch.allclose(value, before[name])
        for name, value in after.items()
    )


def test_without_an_encoder_it_is_told_once(workspace: Path) -> None:
    events = RecordedEvents()
    counts = prepare_text(inputs(workspace), events)
    told = [line["text"] for line in events.of("message") if "BERT" in line["text"]]
    assert len(told) == 1 and "models.py download" in told[0]
    assert counts["bert"].done == 0 and not (workspace / "logs" / NAME / "3-bert").exists()
    # A family whose decoder hears none is not bothered, unless it is asked for.
    events = RecordedEvents()
    quiet = prepare_text(inputs(workspace, experiment="small", family="tiny"), events)
    assert "bert" not in quiet and not any("BERT" in line["text"] for line in events.of("message"))
    write_bert(workspace / "bert")
    asked = prepare_text(inputs(workspace, experiment="small", family="tiny", bert=workspace / "bert"))
    assert asked["bert"].done == 3
    # What an earlier run made is kept without an encoder, and nobody is told that it is missing.
    prepare_text(inputs(workspace, bert=workspace / "bert"))
    events = RecordedEvents()
    kept = prepare_text(inputs(workspace), events)["bert"]
    assert kept.skipped == 3 and not any("BERT" in line["text"] for line in events.of("message"))
    with pytest.raises(WeightsError, match="no BERT encoder"):
        prepare_text(inputs(workspace, bert=workspace / "nowhere"))


def test_the_folder_of_downloads_is_used_by_itself(workspace: Path, run: Callable[..., Any]) -> None:
    write_bert(workspace / "pretrained_models" / "chinese-roberta-wwm-ext-large")
    ended = run("extract_text", "--experiment", NAME, "--workspace", workspace, "--family", "v2",
                "--list", workspace / "my clips" / "voice's.list", "--device", "cpu")  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert len(list((workspace / "logs" / NAME / "3-bert").iterdir())) == 3

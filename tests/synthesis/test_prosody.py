"""BERT features of what is said: Mandarin segments get them, in the order of the phones; the rest is zero."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gsv.errors import WeightsError
from gsv.features.bert import BertEncoder, spread
from gsv.settings import Workspace
from gsv.synthesis.engine import Synthesizer
from gsv.synthesis.options import SpeakOptions
from gsv.synthesis.prosody import Prosody, phone_counts
from gsv.synthesis.voice import Reference
from gsv.text.plan import plan
from gsv.text.reading import Reading
from tests.features.miniature_bert import write_bert
from tests.synthesis.speaking import voice_of

CPU = torch.device("cpu")


def test_features_follow_the_phones(tmp_path: Path) -> None:
    write_bert(tmp_path / "bert")
    prosody = Prosody(tmp_path / "bert", CPU)
    mixed = plan("Hello 今天很好, ok?", "zh", least=6).utterances[0]
    found = prosody.features([mixed], 12)
    assert found is not None and found.shape == (12, len(mixed.phones.phones))
    place = 0
    encoder = BertEncoder.load(tmp_path / "bert")
    for part in mixed.segments:
        count = len(part.reading.phones)
        here = found[:, place : place + count]
        if part.segment.language == "zh":
            wanted = spread(encoder.features([part.reading.normalized])[0], part.reading.word2ph or [])
            assert torch.allclose(here, wanted, atol=1e-4)
        else:
            assert not here.any()
        place += count
    short = plan("好", "zh", least=6).utterances[0]
    eased = prosody.features([short], 12)
    assert short.phones.phones[0] == "." and eased is not None and not eased[:, 0].any()
    assert torch.equal(eased[:, 1], eased[:, 2]) and eased[:, 1].any()
    assert prosody.features([plan("Hello.", "en").utterances[0]], 12) is None
    assert prosody.features([short], 0) is None
    with pytest.raises(WeightsError, match="hears 13"):
        Prosody(tmp_path / "bert", CPU).features([short], 13)


def test_changed_phones_are_spread_over_the_characters() -> None:
    assert phone_counts(Reading("你好.", ["n", "i3"] * 2 + ["."], [2, 2, 1])) == [2, 2, 1]
    for total in range(1, 9):
        counts = phone_counts(Reading("你好.", ["a"] * total, None))
        assert sum(counts) == total and max(counts) - min(counts) <= 1


def test_the_engine_hears_them_in_sentence_and_prompt(speaking_root: Path, tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    shutil.copytree(speaking_root, root)
    reference = Reference(path=root / "reference.wav", text="今天很好", language="zh")
    voice, options = voice_of(root, "v2", reference), SpeakOptions(seed=1, verify=False)
    engine = Synthesizer(Workspace(root), "cpu")
    plain = engine.speak("你好,再见.", voice, options)
    assert any("BERT" in warning for warning in plain.warnings)
    english = engine.speak("One day.", voice, options)
    assert not any("BERT" in warning for warning in english.warnings)
    # The folder may come while the engine runs; its features change what is said.
    write_bert(root / "pretrained_models" / "chinese-roberta-wwm-ext-large", loudness=30)
    request = engine.begin("你好,再见.", voice, options)
    assert not any("BERT" in warning for warning in request.warnings)
    bert = request.prompt.bert
    assert bert is not None and bert.shape == (12, len(request.prompt.phones)) and bert.any()
    heard = engine.speak("你好,再见.", voice, options)
    again = engine.speak("你好,再见.", voice, options)
    assert np.array_equal(heard.samples, again.samples)
    assert heard.samples.shape != plain.samples.shape or not np.allclose(heard.samples, plain.samples)
    with pytest.raises(WeightsError):
        Synthesizer(Workspace(root), "cpu", bert=tmp_path / "none")


def test_edited_sentences_keep_their_length(tmp_path: Path) -> None:
    write_bert(tmp_path / "bert")
    utterance = plan("你好,再见.", "zh").utterances[0]
    phones = replace(utterance.phones, phones=utterance.phones.phones[:3])
    found = Prosody(tmp_path / "bert", CPU).features([replace(utterance, phones=phones)], 12)
    assert found is not None and found.shape[1] == 3

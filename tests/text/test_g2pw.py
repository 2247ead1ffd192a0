"""The g2pW model: a network of our own making in its files decides between readings."""

from __future__ import annotations

import pickle
import struct
from pathlib import Path

import numpy as np
import pytest

from gsv.errors import WeightsError
from gsv.text import phones_of
from gsv.text.g2pw import FOLDER, G2pw, installed, pinyin_of
from gsv.text.languages import pinyin
from gsv.text.reading import Manner

CHARACTERS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "頭", "髮", "長", "得", "很", "大", "了", "。", "好", "一"]
READINGS = [("長", "ㄔㄤ2"), ("長", "ㄓㄤ3"), ("得", "ㄉㄜ2"), ("得", "ㄉㄜ5"), ("一", "ㄧ1"), ("一", "ㄧ4")]


def _number(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def _field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return _number(number << 3) + _number(value)
    content = value.encode() if isinstance(value, str) else value
    return _number(number << 3 | 2) + _number(len(content)) + content


def _tensor(name: str, value: np.ndarray) -> bytes:
    kind = 7 if value.dtype == np.int64 else 1
    dimensions = b"".join(_field(1, size) for size in value.shape)
    return dimensions + _field(2, kind) + _field(8, name) + _field(9, value.tobytes())


def _node(kind: str, inputs: list[str], output: str, axis: int | None = None) -> bytes:
    attribute = b"" if axis is None else _field(5, _field(1, "axis") + _field(3, axis) + _field(20, 2))
    return b"".join(_field(1, name) for name in inputs) + _field(2, output) + _field(4, kind) + attribute


def _value(name: str, kind: int, axes: int) -> bytes:
    shape = b"".join(_field(1, _field(2, f"{name}_{axis}")) for axis in range(axes))
    return _field(1, name) + _field(2, _field(1, _field(1, kind) + _field(2, shape)))


def _network(scores: np.ndarray) -> bytes:
    """An ONNX file: the token behind the asked character chooses a row of `scores` `[V, L]`, times the mask."""
    nodes = [
        _node("Add", ["position_ids", "one"], "behind"),
        _node("Unsqueeze", ["behind", "last_axis"], "column"),
        _node("GatherElements", ["input_ids", "column"], "token", axis=1),
        _node("Squeeze", ["token", "last_axis"], "tokens"),
        _node("Gather", ["scores", "tokens"], "rows", axis=0),
        _node("Mul", ["rows", "phoneme_mask"], "likelihood"),
    ]
    inputs = [("input_ids", 7, 2), ("position_ids", 7, 1), ("phoneme_mask", 1, 2), ("char_ids", 7, 1)]
    constants = [
        _tensor("one", np.array(1)), _tensor("last_axis", np.array([1])), _tensor("scores", scores.astype(np.float32)),
    ]  # fmt: skip
    graph = b"".join(_field(1, node) for node in nodes) + _field(2, "readings")
    graph += b"".join(_field(5, constant) for constant in constants)
    graph += b"".join(_field(11, _value(*given)) for given in inputs) + _field(12, _value("likelihood", 1, 2))
    return _field(1, 8) + _field(7, graph) + _field(8, _field(1, "") + _field(2, 13))


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder of pretrained models: before 大 長 grows, before anything else it is long; 得 is light before 很."""
    folder = tmp_path / FOLDER
    folder.mkdir()
    labels = sorted({label for _, label in READINGS})
    scores = np.zeros((len(CHARACTERS), len(labels)))
    scores[:, labels.index("ㄔㄤ2")] = scores[:, labels.index("ㄉㄜ2")] = 0.5
    scores[:, labels.index("ㄧ4")] = 0.5
    scores[CHARACTERS.index("大"), labels.index("ㄓㄤ3")] = 1
    scores[CHARACTERS.index("很"), labels.index("ㄉㄜ5")] = 1
    (folder / "g2pW.onnx").write_bytes(_network(scores))
    rows = "\n".join(f"{character}\t{label}" for character, label in READINGS)
    (folder / "POLYPHONIC_CHARS.txt").write_text(rows, encoding="utf-8")
    (folder / "MONOPHONIC_CHARS.txt").write_text("頭\tㄊㄡ2\n髮\tㄈㄚ3\n", encoding="utf-8")
    (folder / "config.py").write_text("use_mask = True\nwindow_size = 32\nimport os\n", encoding="utf-8")
    (folder / "vocab.txt").write_text("\n".join(CHARACTERS), encoding="utf-8")
    return tmp_path


def test_the_sentence_decides(models: Path) -> None:
    model = installed(models)
    assert model is not None
    assert model.readings("头发长得很大") == ["tou2", "fa3", "chang2", "de5", "", ""]
    assert model.readings("长大了") == ["zhang3", "", ""]
    assert model.readings("长得" * 40)[::2] == ["chang2"] * 40
    manner = Manner(polyphones=model)
    assert phones_of("长大", "zh", manner=manner).phones[:2] == ["zh", "ang3"]
    assert phones_of("他长好", "zh", manner=manner).phones[2:4] == ["ch", "ang2"]


def test_tones_still_change(models: Path) -> None:
    manner = Manner(polyphones=installed(models))
    assert phones_of("一大", "zh", manner=manner).phones[:2] == ["y", "i2"]  # the dictionary reads 一


def test_it_travels_to_other_processes(models: Path) -> None:
    model = installed(models)
    assert model is not None
    model.readings("长大")
    assert pickle.loads(pickle.dumps(model)).readings("长大")[0] == "zhang3"


def test_not_installed(tmp_path: Path) -> None:
    assert installed(tmp_path) is None


@pytest.mark.parametrize("name", ["g2pW.onnx", "POLYPHONIC_CHARS.txt", "vocab.txt"])
def test_not_whole(models: Path, name: str) -> None:
    (models / FOLDER / name).unlink()
    with pytest.raises(WeightsError, match=name.split(" ")[0]):
        installed(models)


def test_the_vocabulary_may_lie_beside(models: Path) -> None:
    (models / "bert-base-chinese").mkdir()
    (models / FOLDER / "vocab.txt").rename(models / "bert-base-chinese" / "vocab.txt")
    model = installed(models)
    assert model is not None
    assert model.readings("长大")[0] == "zhang3"


def test_a_broken_network(models: Path) -> None:
    (models / FOLDER / "g2pW.onnx").write_bytes(struct.pack("<Q", 7) * 9)
    with pytest.raises(WeightsError, match="cannot be read"):
        G2pw(models / FOLDER, models / FOLDER / "vocab.txt").readings("长")


@pytest.mark.parametrize(("bopomofo", "said"), [
    ("ㄓㄨㄥ4", "zhong4"), ("ㄓ1", "zhi1"), ("ㄧ1", "yi1"), ("ㄧㄡ3", "you3"), ("ㄨㄟ2", "wei2"), ("ㄩㄢ2", "yuan2"),
    ("ㄌㄩ4", "lv4"), ("ㄐㄩㄝ2", "jue2"), ("ㄒㄩㄥ2", "xiong2"), ("ㄨㄥ1", "weng1"), ("ㄦ2", "er2"), ("ㄧㄚ5", "ya5"),
    ("ㄙ4", "si4"), ("ㄨㄛ3", "wo3"), ("x", ""), ("", ""),
])  # fmt: skip
def test_bopomofo(bopomofo: str, said: str) -> None:
    assert pinyin_of(bopomofo) == said
    assert not said or pinyin.syllable(said) is not None

"""The published g2pW model: readings of Chinese characters from their sentence, where its folder is installed.

Knows the files of the model and what its network is given. Does not know tone changes. Nothing of the folder is
executed: its settings are read as literals.
"""

from __future__ import annotations

import ast
import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gsv.errors import WeightsError, import_optional
from gsv.files import read_text
from gsv.text.languages import pinyin
from gsv.text.reading import Polyphones
from gsv.text.wordlist import words

FOLDER = "G2PWModel"
_VOCABULARY_FOLDERS = ("chinese-roberta-wwm-ext-large", "bert-base-chinese")
_FILES = ("g2pW.onnx", "POLYPHONIC_CHARS.txt", "MONOPHONIC_CHARS.txt")
# The published front end asks a dictionary about these, and the model about the others.
_NOT_ASKED = frozenset("一不和咋嗲剖差攢倒難奔勁拗肖瘙誒泊听噢")
_NOT_SINGLE = frozenset("似攢")
_AROUND = 16  # characters on each side that the network sees
_BATCH = 32

_INITIALS = dict(
    zip(
        "ㄅㄆㄇㄈㄉㄊㄋㄌㄍㄎㄏㄐㄑㄒㄓㄔㄕㄖㄗㄘㄙ",
        words("b p m f d t n l g k h j q x zh ch sh r z c s"),
        strict=True,
    )
)
_FINALS = dict(
    zip(
        words(
            "ㄚ ㄛ ㄜ ㄝ ㄞ ㄟ ㄠ ㄡ ㄢ ㄣ ㄤ ㄥ ㄦ ㄧ ㄧㄚ ㄧㄛ ㄧㄝ ㄧㄞ ㄧㄠ ㄧㄡ ㄧㄢ ㄧㄣ ㄧㄤ ㄧㄥ "
            "ㄨ ㄨㄚ ㄨㄛ ㄨㄞ ㄨㄟ ㄨㄢ ㄨㄣ ㄨㄤ ㄨㄥ ㄩ ㄩㄝ ㄩㄢ ㄩㄣ ㄩㄥ"
        ),
        words(
            "a o e ê ai ei ao ou an en ang eng er i ia io ie iai iao iu ian in iang ing "
            "u ua uo uai ui uan un uang ong v ve van vn iong"
        ),
        strict=True,
    )
)
_ALONE = {
    "i": "yi", "in": "yin", "ing": "ying", "iu": "you", "u": "wu", "ui": "wei", "un": "wen", "ong": "weng",
    "v": "yu",
    "ve": "yue", "van": "yuan", "vn": "yun", "iong": "yong",
}  # fmt: skip


def pinyin_of(bopomofo: str) -> str:
    """`ㄓㄨㄥ4` as zhong4; an empty string for what is no syllable."""
    match = re.fullmatch(r"([ㄅ-ㄙ]?)([ㄚ-ㄩ]*)([1-5])", bopomofo)
    if match is None:
        return ""
    initial, final = (
        _INITIALS.get(match[1], ""),
        _FINALS.get(match[2], "i" if match[1] and not match[2] else ""),
    )
    if not final:
        return ""
    if initial:
        return initial + (final.replace("v", "u") if initial in "jqx" else final) + match[3]
    plain = _ALONE.get(final) or (
        f"y{final[1:]}" if final[0] == "i" else f"w{final[1:]}" if final[0] == "u" else final
    )
    return plain + match[3]


def _pairs(path: Path) -> list[tuple[str, str]]:
    rows = (line.split("\t") for line in read_text(path).splitlines() if line.strip())
    return [(row[0], row[1].strip()) for row in rows if len(row) > 1]


def _settings(path: Path) -> dict[str, Any]:
    """Literals that the model's `config.py` assigns; nothing in it is run."""
    if not path.is_file():
        return {}
    found: dict[str, Any] = {}
    for node in ast.parse(read_text(path)).body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.targets[0], ast.Name)
        ):
            found[node.targets[0].id] = node.value.value
    return found


@dataclass(frozen=True)
class _Loaded:
    session: Any
    labels: list[str]
    choices: dict[str, list[int]]  # of a character: numbers of its labels
    single: dict[str, str]
    vocabulary: dict[str, int]
    masked: bool


class G2pw:
    """Readings of the model in `folder`, loaded at the first sentence. May be shared between threads.

    `vocabulary` is the `vocab.txt` of a Chinese BERT, one token a line.
    """

    def __init__(self, folder: Path, vocabulary: Path) -> None:
        self.folder, self.vocabulary = folder, vocabulary
        self._lock = threading.Lock()
        self._loaded: _Loaded | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"folder": self.folder, "vocabulary": self.vocabulary}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def readings(self, text: str) -> list[str]:
        """Toned pinyin of each character of `text`; empty where the dictionary shall decide.

        Raises `WeightsError` for a model that cannot be read.
        """
        with self._lock:
            self._loaded = self._loaded or self._load()
        model = self._loaded
        full: str = import_optional("opencc", "pip install opencc").OpenCC("s2tw").convert(text)
        if len(full) != len(text):
            full = text
        found = [pinyin_of(model.single.get(character, "")) for character in full]
        asked = [place for place, character in enumerate(full) if character in model.choices]
        for start in range(0, len(asked), _BATCH):
            places = asked[start : start + _BATCH]
            for place, label in zip(places, _ask(model, full, places), strict=True):
                found[place] = pinyin_of(label.split(" ")[-1])
        return [reading if reading and pinyin.syllable(reading) else "" for reading in found]

    def _load(self) -> _Loaded:
        library = import_optional("onnxruntime", "pip install onnxruntime")
        options = library.SessionOptions()
        options.intra_op_num_threads = 2
        try:
            session = library.InferenceSession(
                (self.folder / _FILES[0]).read_bytes(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime has no common class of its errors
            raise WeightsError(
                f"the g2pW model in {self.folder} cannot be read",
                str(error).splitlines()[0],
                "download it again",
            ) from error
        settings = _settings(self.folder / "config.py")
        pairs = _pairs(self.folder / _FILES[1])
        joined = bool(settings.get("use_char_phoneme", False))
        names = [f"{character} {label}" if joined else label for character, label in pairs]
        labels = sorted(set(names))
        numbers = {label: number for number, label in enumerate(labels)}
        choices: dict[str, list[int]] = {}
        for (character, _), name in zip(pairs, names, strict=True):
            choices.setdefault(character, []).append(numbers[name])
        single = {
            character: label
            for character, label in _pairs(self.folder / _FILES[2])
            if character not in _NOT_SINGLE
        }
        tokens = read_text(self.vocabulary).split("\n")
        return _Loaded(
            session, labels, choices, single, {token: number for number, token in enumerate(tokens)},
            bool(settings.get("use_mask", True)),
        )  # fmt: skip


def _ask(model: _Loaded, text: str, places: list[int]) -> list[str]:
    """The label of each of the characters at `places`, each seen in its surroundings."""
    windows = [(max(0, place - _AROUND), min(len(text), place + _AROUND)) for place in places]
    length = max(end - start for start, end in windows) + 2
    unknown, first, last = (model.vocabulary.get(token, 0) for token in ("[UNK]", "[CLS]", "[SEP]"))
    tokens = np.zeros((len(places), length), np.int64)
    attention = np.zeros_like(tokens)
    mask = np.full((len(places), len(model.labels)), 0.0 if model.masked else 1.0, np.float32)
    for row, (place, (start, end)) in enumerate(zip(places, windows, strict=True)):
        row_tokens = [first, *(model.vocabulary.get(part, unknown) for part in text[start:end].lower()), last]
        tokens[row, : len(row_tokens)] = row_tokens
        attention[row, : len(row_tokens)] = 1
        mask[row, model.choices[text[place]]] = 1.0
    order = sorted(model.choices)
    given = {
        "input_ids": tokens, "token_type_ids": np.zeros_like(tokens), "attention_mask": attention,
        "phoneme_mask": mask, "char_ids": np.array([order.index(text[place]) for place in places], np.int64),
        "position_ids": np.array(
            [place - start + 1 for place, (start, _) in zip(places, windows, strict=True)], np.int64
        ),
    }  # fmt: skip
    wanted = {node.name for node in model.session.get_inputs()}
    (likelihood, *_) = model.session.run(
        None, {name: value for name, value in given.items() if name in wanted}
    )
    return [
        "" if text[place] in _NOT_ASKED else model.labels[int(number)]
        for place, number in zip(places, likelihood.argmax(axis=-1), strict=True)
    ]


def installed(models: Path) -> Polyphones | None:
    """The model of the folder of pretrained models, or None where it is not installed.

    It needs `G2PWModel/` and the vocabulary of a Chinese BERT, in that folder or beside it. Raises `WeightsError`
    where the folder exists and is not whole.
    """
    folder = models / FOLDER
    if not folder.is_dir():
        return None
    missing = [name for name in _FILES if not (folder / name).is_file()]
    places = (folder, *(models / name for name in _VOCABULARY_FOLDERS))
    vocabulary = next((place / "vocab.txt" for place in places if (place / "vocab.txt").is_file()), None)
    if vocabulary is None:
        missing.append("vocab.txt of a Chinese BERT")
    if missing or vocabulary is None:
        raise WeightsError(
            f"the g2pW model in {folder} is not whole",
            f"it lacks {', '.join(missing)}",
            "put the missing files there, or remove the folder to read Chinese without the model",
        )
    return G2pw(folder, vocabulary)

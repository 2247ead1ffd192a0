"""Japanese: pitch marks, what is written and what is said."""

from __future__ import annotations

import pytest

from gsv.text import phones_of
from gsv.text.languages.japanese_rules import normalize

PRONOUNCED = {
    "こんにちは。": "k o [ N n i ch i w a .",
    "行きますか？": "i [ k i m a ] s u k a ?",
    "今日は、いい天気ですね！": "ky o ] o w a , i ] i UNK t e ] N k i d e s u n e !",
    "100％": "hy a [ k u p a a s e ] N t o",
}


@pytest.mark.parametrize(("text", "phones"), PRONOUNCED.items())
def test_pronounced(text: str, phones: str) -> None:
    assert " ".join(phones_of(text, "ja").phones) == phones


SAID = {
    "100％": "100パーセント", "5kg": "5キログラム", "100,000円": "100000円", "10:30に": "10時30分に",
    "9:00": "9時",
    "2024-05-06": "2024年5月6日", "2024/5/6": "2024年5月6日", "1/2": "2分の1", "-5°C": "マイナス5度",
    "$100": "100ドル", "¥500": "500円", "€20": "20ユーロ", "10~20人": "10から20人", "2～3個": "2から3個",
    "090-1234-5678": "ゼロキューゼロ、イチニーサンヨン、ゴーロクナナハチ", "v1.2.3": "1テン2テン3", "3:2": "3対2",
    "100m²": "100平方メートル", "α線": "アルファ線", "A&B": "AアンドB", "ｶﾀｶﾅ": "カタカナ", "café": "cafe",
    "https://example.com/a": "exampleドットcomスラッシュa", "10²": "10の2乗", "えっ！？！": "えっ！？！",
    # what people write
    "5月6日(月)": "5月6日月曜日", "丸の内1-9-2、": "丸の内1の9の2、", "▲1.2%": "マイナス1.2パーセント",
    "1ドル＝150円": "1ドルは150円", "え〜っと、": "えーっと、", "東京〜大阪": "東京から大阪",
    "マジで草ｗｗｗ": "マジで草わら",
    "それな(笑)": "それなわら", "試合は3-2で勝ち": "試合は3対2で勝ち", "打率は.325": "打率は3割2分5厘",
    "10Gbps": "10ギガビーピーエス",
    "400ppm": "400ピーピーエム", "9:05発、11:27着です": "9時5分ハツ、11時27分チャクです",
    "辛い料理で辛い": "カライ料理で辛い",
    "この方は": "このカタは", "会議を行った": "会議をオコナった",
    "店が開く": "店がアく", "間が悪い": "マが悪い", "はははと": "ハハハと", "Wi-Fiが": "ワイファイが",
    "送った笑": "送ったわら",
    "〒100-0005": "郵便番号イチゼロゼロ、ゼロゼロゼロゴー", "38,915円87銭": "38915円87銭",
    "10〜20%": "10から20パーセント",
}  # fmt: skip


@pytest.mark.parametrize(("written", "said"), SAID.items())
def test_said(written: str, said: str) -> None:
    assert normalize(written) == said
    assert normalize(said) == said


def test_first_table_has_no_pitch() -> None:
    assert phones_of("はい", "ja", "v1").phones == ["h", "a", "UNK", "i"]
    assert phones_of("はい", "ja", "v2").phones == ["h", "a", "]", "i"]


def test_lengthening_of_nothing() -> None:
    assert phones_of("ーーー", "ja").phones


def test_chinese_forms_of_characters() -> None:
    assert phones_of("银行", "ja").phones == phones_of("銀行", "ja").phones
    found = phones_of("𠮷野家へ", "ja")
    assert [item.character for item in found.unread] == ["𠮷"]
    assert len(found.phones) > 5

"""Korean: standard pronunciation, what is written and what is said."""

from __future__ import annotations

from itertools import pairwise

import pytest

from gsv.text import phones_of, symbols
from gsv.text.languages.korean import _marked
from gsv.text.languages.korean_rules import normalize
from gsv.text.languages.korean_sounds import pronounce
from gsv.text.languages.korean_words import composed
from gsv.text.plan import plan

# Spelling and sound, as teaching grammars give them.
SOUNDS = """
국물 궁물|신라 실라|설날 설랄|독립 동닙|심리 심니|대통령 대통녕|법률 범뉼|굳이 구지
해돋이 해도지|같이 가치|붙여 부처|닫혀 다처|좋다 조타|놓고 노코|않는 안는|앓는 알른|많아 마나
싫어 시러|닿소 다쏘|쌓네 싼네|입학 이팍|맏형 마텽|꽂히다 꼬치다|넓히다 널피다|밝히다 발키다
못해 모태|앉아 안자|없어 업써|읽어 일거|닭을 달글|젊어 절머|핥아 할타|값을 갑쓸|넋이 넉씨
앉고 안꼬|닮고 담꼬|먹고 먹꼬|할 수 있다 할 쑤 읻따|갈 곳 갈 꼳|할게요 할께요|맑다 막따
읽고 일꼬|밟다 밥따|희망 히망|무늬 무니|가져 가저|꽃이 꼬치|꽃도 꼳또|부엌 부억|국밥 국빱
있습니다 읻씀니다|감사합니다 감사함니다|먹는 멍는|앞마당 암마당|밥 먹어 밤 머거|을 내 을 내
물을 넣고 무를 너코|강릉 강능|천리 철리|강의 강의|왔어요 와써요|끝이 끄치|끝을 끄틀|낳은 나은
끓이다 끄리다|밖에 바께|삶도 삼도|옳지 올치|뚫네 뚤레|넓다 널따|감다 감따
"""
PAIRS = [
    (" ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 :]))
    for words in (entry.split() for entry in SOUNDS.replace("\n", "|").split("|") if entry.strip())
]


# Words with a sound of their own: what grammar books list, and the general rules do not give.
WORDS = """
꽃잎 꼰닙|나뭇잎 나문닙|깻잎 깬닙|솜이불 솜니불|한여름 한녀름|색연필 생년필|물약 물략|서울역 서울력|강남역 강남녁
부산역에 부산녀게|번역 버녁|지역 지역|생산량 생산냥|판단력 판단녁|음운론 으문논|갈등 갈뜽|발전 발쩐|절대 절때
물질 물찔|일시 일씨|결정 결쩡|활동 활똥|실수 실쑤|출장 출짱|설득 설뜩|말다툼 말다툼|팔다리 팔다리|점수 점쑤|손등 손뜽
눈동자 눈똥자|강가 강까|아침밥 아침빱|물고기 물꼬기|인기 인끼|사건 사껀|성격 성껵|한자 한짜|장점 장쩜|치과 치꽈
열 시 열 씨|여덟 개 여덜 깨|십육 심뉵|맥주가 맥쭈가|방법 방법|물건 물건|별일 별릴|무슨 일이 무슨 니리|할 일 할 릴
"""
WORD_PAIRS = [
    (" ".join(parts[: len(parts) // 2]), " ".join(parts[len(parts) // 2 :]))
    for parts in (entry.split() for entry in WORDS.replace("\n", "|").split("|") if entry.strip())
]


def _sounded(text: str, context: bool = False) -> str:
    marked = _marked(text, context)
    written = [item for item in marked if item is not None]
    gaps = [" " if after == " " else "" for before, after in pairwise(text) if before != " "]
    spoken = iter(pronounce(written, gaps[: len(written) - 1]))
    blocks = []
    for item in marked:
        if item is None:
            blocks.append(" ")
            continue
        blocks.append(composed(next(spoken)))
    return "".join(blocks)


@pytest.mark.parametrize(("written", "said"), PAIRS)
def test_sounds(written: str, said: str) -> None:
    assert _sounded(written) == said


@pytest.mark.parametrize(("written", "said"), WORD_PAIRS)
def test_words_of_their_own(written: str, said: str) -> None:
    assert _sounded(written, context=True) == said


@pytest.mark.parametrize(("written", "said"), PAIRS)
def test_words_leave_the_rules(written: str, said: str) -> None:
    assert _sounded(written, context=True) == said


def test_no_stop_in_the_middle_of_a_sentence() -> None:
    assert (
        "."
        not in [
            phone for part in plan("iPhone는 USB를 지원해", "ko").utterances for phone in part.phones.phones
        ][:-1]
    )


SAID = {
    "3개 20살 21명 100개": "세개 스무살 스물한명 백개", "3월 15일 6월 10월": "삼월 십오일 유월 시월",
    "9시 30분 15:30": "아홉시 삼십분 십오시 삼십분", "2024-05-06": "이천이십사년 오월 육일",
    "010-1234-5678": "공일공, 일이삼사, 오육칠팔", "$100, ₩5000, 3,000원": "백 달러, 오천 원, 삼천원",
    "5kg 30%": "오 킬로그램 삼십 퍼센트", "-5°C": "마이너스 오 도", "1/2 3.14": "이분의 일 삼점일사",
    "10~20개": "열에서 스무개", "3:2": "삼 대 이", "v1.2.3": "일점이점삼", "AI와 TTS": "에이아이와 티티에스",
    "제3장 1층": "제삼장 일층", "10000원": "만원", "１２": "십이", "https://example.com": "example 닷 com",
    # what people write
    "₩12,900원": "만이천구백 원", "20대 여성과 차 10대": "이십대 여성과 차 열대",
    "시속 100km/h": "시속 백 킬로미터 매 시",
    "2024년 5월 6일": "이천이십사년 오월 육일", "2,615.31에": "이천육백십오점삼일에",
    "7만 3,500원": "칠만 삼천오백원",
    "10:30에": "열시 삼십분에", "1/2컵": "이분의 일컵", "25.3℃": "이십오점삼 도", "(우)06236": "(우)공육이삼육",
    "2024.5.6(월) 3:30~5:00": "이천이십사년 오월 육일 월요일 세시 삼십분에서 다섯시",
    "010 1234 5678로": "공일공, 일이삼사, 오육칠팔로", "15.2km/L": "십오점이 킬로미터 퍼 리터",
    "02-1234-5678": "공이, 일이삼사, 오육칠팔", "5Mbps": "오 메가비피에스",
    "120/80mmHg": "백이십,팔십 밀리미터 수은주",
}  # fmt: skip


@pytest.mark.parametrize(("written", "said"), SAID.items())
def test_said(written: str, said: str) -> None:
    assert normalize(written) == said
    assert normalize(said) == said


PRONOUNCED = {
    "안녕하세요": "ㅇㅏㄴㄴㅣㅓㅇㅎㅏㅅㅔㅇㅣㅗ.", "값이 없다": "ㄱㅏㅂㅆㅣ空ㅇㅓㅂㄸㅏ.", "3개": "ㅅㅔㄱㅐ.",
    "한국어 TTS입니다!": "ㅎㅏㄴㄱㅜㄱㅓ空ㅌㅣㅌㅣㅇㅔㅅㅡㅇㅣㅁㄴㅣㄷㅏ!", "같이 갈래?": "ㄱㅏㅊㅣ空ㄱㅏㄹㄹㅐ?",
    "大學": "ㄷㅐㅎㅏㄱ.", "ㅋㅋ": "ㅋㅋ.", "ᄒ": "ㅎ.",
}  # fmt: skip


@pytest.mark.parametrize(("text", "phones"), PRONOUNCED.items())
def test_pronounced(text: str, phones: str) -> None:
    assert "".join(phones_of(text, "ko").phones) == phones


def test_every_syllable_is_in_the_table() -> None:
    table = symbols.table("v2")
    for start in range(0xAC00, 0xD7A4, 97):
        text = "".join(chr(number) for number in range(start, min(start + 97, 0xD7A4), 7))
        assert all(phone in table for phone in phones_of(text, "ko").phones if phone != "UNK")
        assert "UNK" not in phones_of(text, "ko").phones

"""Korean words that are not said as their letters would be: ㄴ between two words, hard sounds inside of one.

Knows words, and where a rule of sound needs to know that a word is one. What letters do to each other otherwise is
`korean_sounds`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from gsv.text.languages.korean_sounds import CODAS, ONSETS, TENSE, VOWELS, Syllable, syllable
from gsv.text.wordlist import words

Span = tuple[int, int, str]  # of a noun: where it starts and ends, and its surface

# A word, and the letters that it is said by before the general rules.
_RESPELLED = dict(
    pair.split(">")
    for pair in words("""
    꽃잎>꽃닢 나뭇잎>나뭇닢 깻잎>깻닢 댓잎>댓닢 솜이불>솜니불 홑이불>홑니불 한여름>한녀름 맨입>맨닙 색연필>색년필
    담요>담뇨 물약>물냑 알약>알냑 두통약>두통냑 콩엿>콩녓 눈요기>눈뇨기 영업용>영업뇽 식용유>식용뉴 휘발유>휘발뉴
    직행열차>직행녈차 늦여름>늦녀름 내복약>내복냑 남존여비>남존녀비 신여성>신녀성 밤윷>밤늇 뒷윷>뒷늇 한입>한닙
    별일>별닐 집안일>집안닐 앞일>앞닐 들일>들닐 막일>막닐 서른여섯>서른녀섯 스물여섯>스물녀섯 설익다>설닉다
    십육>십뉵 백육>백뉵 천육>천뉵 만육>만뉵
    생산량>생산냥 통신량>통신냥 판단력>판단녁 결단력>결단녁 공권력>공꿘녁 표현력>표현녁 추진력>추진녁 정신력>정신녁
    음운론>음운논 이원론>이원논 입원료>입원뇨 의견란>의견난 상견례>상견녜 동원령>동원녕 보존료>보존뇨 테헤란로>테헤란노
    점수>점쑤 손등>손뜽 눈동자>눈똥자 산새>산쌔 강가>강까 길가>길까 물가>물까 문고리>문꼬리 아침밥>아침빱 비빔밥>비빔빱
    볶음밥>볶음빱 물고기>물꼬기 밀가루>밀까루 손가락>손까락 발가락>발까락 술잔>술짠 등불>등뿔 산불>산뿔 보름달>보름딸
    초승달>초승딸 그믐달>그믐딸 안방>안빵 봄바람>봄빠람 신바람>신빠람 인기>인끼 사건>사껀 조건>조껀 안건>안껀 용건>용껀
    성격>성껵 인격>인껵 한자>한짜 문자>문짜 글자>글짜 여권>여꿘 정권>정꿘 인권>인꿘 헌법>헌뻡 문법>문뻡 형법>형뻡
    장점>장쩜 단점>단쩜 관점>관쩜 초점>초쩜 시점>시쩜 만점>만쩜 내과>내꽈 외과>외꽈 치과>치꽈 안과>안꽈 평가>평까
    대가>대까 주가>주까 용돈>용똔 열쇠>열쐬 물속>물쏙 산속>산쏙 눈빛>눈삧 달빛>달삧 별빛>별삧 잠자리>잠짜리 창밖>창빡
    바닷가>바닫까 물감>물깜 신발장>신발짱 보험료>보험뇨 빨대>빨때 갈대>갈때 발바닥>발빠닥
    손바닥>손빠닥 길바닥>길빠닥 들것>들껏 할것>할껏 탈것>탈껏 몸집>몸찝 빵집>빵찝 술집>술찝 꽃집>꽃찝 밥집>밥찝
    """)
)
_LONGEST = max(map(len, _RESPELLED))
# Chinese syllables that rule 26 of the standard pronunciation hardens behind another one that ends in ㄹ.
_SINO_BEFORE = frozenset(
    "갈걸결골괄굴귤길날눌달돌랄률열렬말멸몰물밀발벌별불살설솔술슬실알얼올왈울"
    "월율을일절졸줄즐질찰철촬출칠탈팔필할헐혈활휼힐"
)
_SINO_AFTER = frozenset(
    "다단달담답당대도독돈동두둔득등사삭산살삼삽상새색생서석선설섬섭성세소속손송쇄"
    "수숙순술숭습승시식신실심십자작잔잠장재쟁저적전절점접정제조족존종좌죄주죽준중즉증지직진질집징"
)
_NATIVE = frozenset(
    words("말다툼 팔다리 돌다리 물장구 물장난 불장난 알사탕 물지게 별사탕 달동네 불도저 하늘색")
)
_STATION = re.compile(r"(?<=[가-힣])([가-힣])역(?=[은이을에의과도까만 ]|$)")
_NO_STATION = frozenset("번통면광병징검반현")
_TASK = re.compile(r"(?:무슨|할|볼|그런|이런|어떤) 일(?=[이을은도 ]|$)")
_COUNTED = re.compile(r"(?:열|여덟) ?([개시살달배번장대병벌그가군다자])")


def respelled(text: str, nouns: Sequence[Span]) -> str:
    """`text` with such words by the letters that they are said by; as long as before. `nouns` are its nouns."""
    letters = list(text)
    for number, (start, _, surface) in enumerate(nouns):
        end, joined = start, ""
        for next_start, next_end, next_surface in nouns[number : number + 3]:
            if next_start != end or len(joined) > _LONGEST:
                break
            end, joined = next_end, joined + next_surface
            for length in range(min(len(joined), _LONGEST), 1, -1):
                said = _RESPELLED.get(joined[-length:])
                if said:
                    letters[end - length : end] = said
                    break
        if len(surface) > 1 and surface not in _NATIVE and surface not in _RESPELLED:
            _hardened(letters, start, surface)
    for match in _STATION.finditer(text):
        if match[1] not in _NO_STATION and syllable(match[1]).coda:
            letters[match.end() - 1] = "녁"
    for match in _TASK.finditer(text):
        letters[match.end() - 1] = "닐"
    for match in _COUNTED.finditer(text):
        letters[match.start(1)] = _hard(match[1])
    return "".join(letters)


def _hardened(letters: list[str], start: int, surface: str) -> None:
    """ㄷ, ㅅ, ㅈ behind ㄹ inside a noun of Chinese syllables: 발전 as 발쩐."""
    for place in range(len(surface) - 1):
        if surface[place] in _SINO_BEFORE and surface[place + 1] in _SINO_AFTER:
            letters[start + place + 1] = _hard(surface[place + 1])


def _hard(character: str) -> str:
    plain = syllable(character)
    return composed(replace(plain, onset=TENSE.get(plain.onset, plain.onset)))


def composed(item: Syllable) -> str:
    """The character of a syllable."""
    number = ONSETS.index(item.onset) * 588 + VOWELS.index(item.vowel) * 28 + CODAS.index(item.coda)
    return chr(0xAC00 + number)

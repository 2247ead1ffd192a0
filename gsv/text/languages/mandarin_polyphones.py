"""Characters of several readings in a clause, where the dictionary of words does not decide.

Knows what stands around a character. Does not know tone changes, nor any model: with one installed it decides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from gsv.text.languages.mandarin_tones import Word
from gsv.text.wordlist import words

# The bracketed character is read as said behind it. A later line wins over an earlier one.
_RULES = """
(?:还|总|就|必|只|也|可|非|我|你|他|她|它|们|谁|都|咱|今天|明天)(得)(?![很不太了到过出以知奖分罪名意病主体手空逞冠胜利益第着失])|dei3
(?:还|我|你|他|她|们|谁|人|队|都)(得)(?=[到过出奖分罪名病冠胜]|了(?:第|奖|分|病|冠|金|银|[一二两三]))|de2
(?:就|也|不多|算)(得)了|de2
[受忍办做吃拿跑走躲免少错去来用卖买管帮干治活打顶熬付放忘喝看住离还]得(了)|liao3
[受忍办做吃拿跑走躲免少错去来用卖买管帮干治活打顶熬付放忘喝看住离还](得)了|de5
[\u4e00-\u9fff]不(了)(?!解)|liao3
[得不](着)(?=$|[的了吗呢吧啊呀急边])|zhao2
(?:找|摸|碰|够|睡|点|逮|捡|猜|用)不(着)|zhao2
[空拉牵握挥搓背](着)手|zhe5
[蒙睁闭眨瞪红斜](着)眼|zhe5
(?:[很太更最较特越挺真好够]|不|这么|那么|多么|十分|非常|头发|胡子|时间|路|腿|篇幅)(长)(?![大高出得成在满相辈官老子胖势])|chang2
(?:[米里尺寸年天月]|小时|分钟|公里|厘米)(长)(?![大高出得成在满相辈官老子胖])|chang2
越(长)越|zhang3
越(长)(?=[大高得])|zhang3
知(为)不知|wei2
(?:称|视|译|誉|封|列|设|选|评|名|改|化|变|定|判|分|转|升|降|合|视其|将其|称其)(为)|wei2
(?:率|点|值|量|数|额|价|度|长|宽|高|距|积|号码|名称|地址|内容|标题|主题|结果|原因|目的|代表|别名|单位|密码|答案|性别|职业|目标|版本|时间|日期|比分|总分)(为)(?![了什何此我你他她])|wei2
(为)(?=[零一二三四五六七八九十百千万亿两负]|期|首|主|止|准|例|空|虚|所欲|非作歹|时[过已尚])|wei2
以[\u4e00-\u9fff]{1,6}(为)(?=[荣贵主准例本界限由名伴师友生家鉴]|中心|基础|代表|目标|核心|重点|前提)|wei2
把[\u4e00-\u9fff]{1,6}[作分看]?(为)|wei2
(?:排|站|列|坐)[成了]?(?:着|了)?[一二两三四几](行)(?!人)|hang2
[一二两三四五六七八九十几每](行)(?=[队字诗泪]|代码|文字|树|数据|脚印|眼泪|热泪|小字|大字)|hang2
(?:第[一二三四五六七八九十几]+|上一|下一|这一|那一|换|每|首|末|逐|空一|各|另起一)(行)(?![动为人走程驶政星])|hang2
[京首古故建](都)(?![是有会要能在没很不去来可])|du1
(?:归|偿|退|返|交|奉|送|生|赎|璧)(还)|huan2
(还)(?=书|钱|债|款|清|贷|价|愿|乡|俗|击|魂|账|给|不清|不起|得起)|huan2
(还)不(?:还|了|上)|huan2
还不(还)|huan2
不(还)(?=钱|书|款|债|给|$)|huan2
姓(曾)|zeng1
(曾)(?=国藩|巩|子|参|孙|祖|外祖|荫权|志伟|先生|女士|老师|经理|小姐|总|某|氏)|zeng1
姓(单)|shan4
(单)(?=先生|女士|小姐|老师|经理|田芳|雄信)|shan4
姓(任)|ren2
(任)(?=先生|女士|小姐|老师|经理|正非|盈盈|我行)|ren2
姓(仇)|qiu2
姓(解)|xie4
(解)(?=先生|女士|小姐|老师|经理|晓东|缙)|xie4
姓(区)|ou1
姓(华)|hua4
(华)(?=先生|女士|佗|罗庚)|hua4
姓(查)|zha1
(查)(?=先生|女士|小姐|良镛)|zha1
姓(盖)|ge3
姓(乐)|yve4
姓(朴)|piao2
姓(尉)迟|yu4
(中)(?=过?大?奖|过?头奖|了(?:[一大头奖计弹毒]|个)|暑|毒|枪|弹|计|邪)|zhong4
[击射命打看选猜](中)|zhong4
[一二两三四五六七八九十百千几多每这那半](只)(?![有能是要会好得顾想不剩差管见])|zhi1
(?<![晒擦烘吹风烤晾喝榨拧饼能若])(干)(?=什么|嘛|吗|活|部|掉|完|得|不[好完了]|起来|这|那|点|一番|大事|一场|出)|gan4
[在想会能要怎敢](干)(?![净燥脆旱杯])|gan4
[晒擦烘吹风烤晾喝榨拧](干)|gan1
[跑走飞说做吃看听写唱玩睡过变干学打笑哭](得)(?=[很快慢好多太真够更最越])|de5
(倒)(?=了?[一两半]?[杯碗点]|茶|水|酒|垃圾|是|也|不如|有|过来|立|贴|影|挂|叙|计时)|dao4
[十零](一)|yi1
(?<![每这那第整])(一)月|yi1
月(一)[日号]|yi1
(一)(?=点[零一二三四五六七八九])|yi1
(一)(?=楼|号线|号楼|年级)|yi1
(朝)(?=三暮四|夕|气|发夕至|辞|露|霞|晖)|zhao1
千里江陵一日(还)|huan2
(露)(?=了?一手|怯|馅|脸|了?面|头)|lou4
[撞摔推绊打跌病晕跪扑吓压昏累醉拉滑刮吹](倒)|dao3
(脏)(?=衣|了|水|东西|乱|话|兮|死|手|的)|zang1
[很太弄好真又最不](脏)|zang1
(数)了数|shu3
数了(数)|shu3
(量)[一了]量|liang2
量[一了](量)|liang2
(数)(?=一数|到[一二三十百]|不清|不尽|不完|星星|羊)|shu3
(?<![宗佛道回请赐指领受求执任助家])(教)(?=[我你他她您]|孩子|大家|会|过|了|得[好很不]|[英数语法]|书(?!记)|课|钢琴|画画)|jiao1
(?<![一二两三四五六七八九十几多各每这那某何此品物人播良火])(种)(?=[了过在菜花树田下满瓜豆地]|庄稼|水稻|的[是瓜])|zhong4
[有没得抽](空)(?![气间调中军港运前])|kong4
(空)(?=[出格位白缺隙]|地(?!域)|着(?!手|肚)|下来|一行)|kong4
(处)(?=[在于]|得来|不来)|chu3
(系)(?=[上好紧着](?!心)|领带|鞋带|围裙|围巾|扣子|安全带)|ji4
(?:睡.{0,2}|睡了一|一|午|懒)(觉)(?![得悟察知出])|jiao4
(?<![违后靠])(背)(?=着(?!景)|起|上(?!升|面|的)|了一?[个袋]|书包|包袱|孩子)|bei1
(转)(?=了?[一几两三]?[圈周]|来转去|个不停|悠|盘|速)|zhuan4
(吐)(?=了?一?[口血奶酸]|得[到一])|tu4
呕(吐)|tu4
(?:很|太|更|最|又|变)(薄)(?!弱)|bao2
[天年月周](假)(?![的如装冒])|jia4
(待)(?=[在了着]|一会|会[儿就]?|几天|一下)|dai1
(?:^|[^男女])(子)曰|zi3
不亦(说)乎|yve4
(一)一(?:对应|列举|说明|介绍|解答|作答|核对|对照|道来)|yi1
一(一)(?:对应|列举|说明|介绍|解答|作答|核对|对照|道来)|yi1
打(的)(?=[去来回到走]|车|$)|di1
头(发)(?![生现展出明布表])|fa5
[长短白黑金染秀脱卷银理](发)(?=[的型店师廊很又都披]|飘飘|$)|fa4
重(重)地|zhong4
(重)重地|zhong4
(重)(?=[新复来做写申返温逢叠现演播]|头再|蹈)|chong2
(?:人|单枪匹|驻|宿)(曲)|qu1
(朝)(?=[着向我你他她前后上下东西南北]|窗外|门口)|chao2
(给)(?=养|予|水排)|ji3
(差)(?=不多|点儿?|一点|得[远多]|不离)|cha4
(盛)(?=[饭汤菜满着]|一[碗勺])|cheng2
(漂)(?=[在流浮泊着]|来漂|过来)|piao1
(扎)(?=[针辫头营根])|za1
(扎)(?=[针营根])|zha1
(冲)(?=着[我你他她]|床)|chong4
(兴)(?=[高致趣]|冲冲)|xing4
(模)(?=样|具|子|板)|mu2
(参)差|cen1
参(差)(?=不齐|错落)|ci1
人(参)(?![加与考照观赛军选保展])|shen1
(调)(?=查|动|换|派|遣|研|职|取|头)|diao4
血(泊)|po1
"""
# The lists above name characters; here whole words are read otherwise than the dictionary has them.
_WORDS = {
    "知之为知之": "zhi1 zhi1 wei2 zhi1 zhi1", "果实累累": "guo3 shi2 lei2 lei2",
    "不着边际": "bu4 zhuo2 bian1 ji4", "京都": "jing1 du1", "数一数二": "shu3 yi1 shu3 er4",
    "数了数": "shu3 le5 shu3", "目的地": "mu4 di4 di4", "六安": "lu4 an1", "丽水": "li2 shui3",
    "台州": "tai1 zhou1", "番禺": "pan1 yu2", "乐清": "yue4 qing1", "铅山": "yan2 shan1", "大埔": "da4 bu4",
    "尉迟": "yu4 chi2", "万俟": "mo4 qi2", "可汗": "ke4 han2", "吐蕃": "tu3 bo1", "龟兹": "qiu1 ci2",
    "月氏": "yue4 zhi1", "大宛": "da4 yuan1", "叶公好龙": "ye4 gong1 hao4 long2", "南下": "nan2 xia4",
    "北上": "bei3 shang4", "一曝十寒": "yi2 pu4 shi2 han2", "自怨自艾": "zi4 yuan4 zi4 yi4",
    "心宽体胖": "xin1 kuan1 ti3 pan2",
    "暴虎冯河": "bao4 hu3 ping2 he2", "衣锦还乡": "yi4 jin3 huan2 xiang1", "否极泰来": "pi3 ji2 tai4 lai2",
    "一骑红尘": "yi2 ji4 hong2 chen2", "远上寒山石径斜": "yuan3 shang4 han2 shan1 shi2 jing4 xie2",
}  # fmt: skip
_NUMERAL = "零〇一二三四五六七八九幺"
_BEFORE_ADVERBIAL = frozenset("dazilvmob")


@cache
def _rules() -> tuple[tuple[re.Pattern[str], str], ...]:
    lines = (line.rsplit("|", 1) for line in _RULES.strip().splitlines())
    return tuple((re.compile(pattern), reading.replace("yve", "yue")) for pattern, reading in lines)


def chosen(clause: str, cut: Sequence[Word]) -> dict[int, str]:
    """Toned pinyin of those characters of `clause` whose surroundings tell it; `cut` are its words."""
    found: dict[int, str] = {}
    for pattern, reading in _rules():
        for match in pattern.finditer(clause):
            found[match.start(1)] = reading
    for word, said in _WORDS.items():
        place = clause.find(word)
        while place >= 0:
            found.update(enumerate(words(said), place))
            place = clause.find(word, place + 1)
    for match in re.finditer(rf"(?<=[{_NUMERAL}])一|一(?=[{_NUMERAL}])", clause):
        found.setdefault(match.start(), "yi1")  # a row of digits: 一九四九
    found.update(_adverbial(cut))
    return found


def _adverbial(cut: Sequence[Word]) -> dict[int, str]:
    """地 between a manner and a verb is a light de; a 地 that ends a noun, or stands alone, is earth."""
    found: dict[int, str] = {}
    place = 0
    for number, word in enumerate(cut):
        place += len(word.text)
        if not word.text.endswith("地"):
            continue
        before = cut[number - 1] if number else None
        after = cut[number + 1] if number + 1 < len(cut) else None
        if len(word.text) > 1:
            light = word.part[0] in "dzi"
        elif before is None or after is None or after.part[0] in "fu":
            light = False
        else:
            manner = before.part[0] in _BEFORE_ADVERBIAL or (before.part == "n" and after.part[0] == "v")
            light = len(before.text) > 1 and manner
        found[place - 1] = "de5" if light else "di4"
    return found

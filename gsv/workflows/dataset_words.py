"""What a check of a data set says to a person, in English and in Chinese.

Knows kinds of problems and figures. Does not know how they were found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LANGUAGES = ("en", "zh")

PROBLEMS: Mapping[str, tuple[str, str]] = {
    "unusable": ("cannot be used: {detail}", "无法使用：{detail}"),
    "silent": ("nothing is heard", "没有声音"),
    "clipped": (
        "overdriven: {percent} % of the samples are cut off at the peak",
        "削波：{percent}% 的采样在峰值处被截平",
    ),
    "noisy": (
        "noisy: the speech is only {decibels} dB above the noise",
        "噪声大：语音只比噪声高 {decibels} dB",
    ),
    "silent_edge": ("{seconds} s of silence at an edge", "首尾有 {seconds} 秒静音"),
    "pause": ("a pause of {seconds} s", "中间停顿 {seconds} 秒"),
    "mostly_silent": ("{percent} % of it is silence", "{percent}% 是静音"),
    "short": ("short: {seconds} s", "太短：{seconds} 秒"),
    "long": ("long: {seconds} s; clips of 3 to 12 s are best", "较长：{seconds} 秒，3 到 12 秒最合适"),
    "quiet": ("very quiet: {decibels} dB", "音量很小：{decibels} dB"),
    "louder": ("{decibels} dB louder than most clips", "比多数片段响 {decibels} dB"),
    "quieter": ("{decibels} dB quieter than most clips", "比多数片段轻 {decibels} dB"),
    "telephone": (
        "dull as a telephone: nothing above {kilohertz} kHz",
        "像电话一样发闷：{kilohertz} kHz 以上没有声音",
    ),
    "duller": (
        "duller than most clips: nothing above {kilohertz} kHz, where they reach {usual} kHz",
        "比多数片段闷：{kilohertz} kHz 以上没有声音，其他片段达到 {usual} kHz",
    ),
    "upsampled": (
        "nothing above {kilohertz} kHz, although the file says {rate} kHz: raised from a lower rate",
        "文件为 {rate} kHz，但 {kilohertz} kHz 以上没有声音：由较低采样率转换而来",
    ),
    "copy": ("the same sound as row {row}", "与第 {row} 行的声音相同"),
    "re_encoded": (
        "the same recording as row {row}, in another form",
        "与第 {row} 行是同一段录音，只是格式不同",
    ),
    "wrong_language": (
        "marked {code}, but the text is written in {written}",
        "语言标为 {code}，但文本是用 {written} 写的",
    ),
    "unread": ("no reading for: {characters}", "这些字符没有读音：{characters}"),
    "nothing_to_say": ("the text cannot be said: {detail}", "文本无法朗读：{detail}"),
    "too_fast": (
        "{speed} phones a second: more text than anyone says in that time",
        "每秒 {speed} 个音素：这么短的时间说不完这些文本",
    ),
    "too_slow": (
        "{speed} phones a second: too little text for so much speech",
        "每秒 {speed} 个音素：文本相对语音太少",
    ),
    "other_text": ("the text is not what is said", "文本与语音不符"),
    "partly_other": ("a part of the text is not what is said", "部分文本与语音不符"),
    "more_said": (
        "more is said than is written: {ratio} % of the expected sounds",
        "说的比写的多：听到的音素是预期的 {ratio}%",
    ),
    "less_said": (
        "less is said than is written: {ratio} % of the expected sounds",
        "说的比写的少：听到的音素是预期的 {ratio}%",
    ),
    "other_voice": (
        "perhaps another speaker: {likeness} alike, {limit} or more is usual here",
        "可能是另一个人：相似度 {likeness}，这里通常不低于 {limit}",
    ),
}

VERDICTS: Mapping[str, tuple[str, str]] = {
    "nothing": ("Not one clip can be used.", "没有一个片段可以使用。"),
    "seconds": (
        "{amount} of clean speech: too little to train a voice.",
        "{amount}干净语音：不足以训练声音。",
    ),
    "little": (
        "{amount} of clean speech: a voice can be tried; five minutes or more are better.",
        "{amount}干净语音：可以先试一试，五分钟以上更好。",
    ),
    "enough": ("{amount} of clean speech: enough.", "{amount}干净语音：足够。"),
    "plenty": ("{amount} of clean speech: plenty.", "{amount}干净语音：非常充足。"),
}

FINDINGS: Mapping[str, tuple[str, str]] = {
    "mislabelled": ("{n} clips look mislabelled.", "{n} 个片段的标注可能有误。"),
    "bad": ("{n} clips would spoil the voice and should be left out.", "{n} 个片段会影响效果，应当去掉。"),
    "doubtful": ("{n} clips should be listened to.", "{n} 个片段需要听一听。"),
    "copies": ("{n} clips are copies of others.", "{n} 个片段与其他片段重复。"),
    "noisy": ("{n} clips are noisy: run the step Denoise.", "{n} 个片段有噪声：可先做“降噪”。"),
    "clipped": ("{n} clips are overdriven.", "{n} 个片段削波。"),
    "telephone_set": (
        "Nothing is above {kilohertz} kHz: the voice will sound dull.",
        "{kilohertz} kHz 以上没有声音：训练出的声音会发闷。",
    ),
    "rates": ("The clips have several sample rates: {rates} Hz.", "片段的采样率不一致：{rates} Hz。"),
    "speakers": (
        "{n} speakers are in the list; a voice is made from one.",
        "列表中有 {n} 位说话人，一个声音只用一位。",
    ),
    "two_voices": (
        "The clips of {speaker} sound like two people.",
        "{speaker} 的片段听起来像两个人。",
    ),
    "unheard": (
        "Texts in {languages} were not compared with their sound: the content encoder has not learnt them.",
        "{languages} 的文本没有与声音核对：内容编码器没有学过。",
    ),
    "deaf": (
        "Texts were not compared with their sound, as no content encoder listened.",
        "没有内容编码器，文本未与声音核对。",
    ),
    "fine": ("Nothing was found that should be mended.", "没有发现需要修正的地方。"),
}

SEVERITIES: Mapping[str, tuple[str, str]] = {
    "bad": ("leave out", "去掉"),
    "doubtful": ("listen", "听一听"),
    "note": ("note", "提示"),
}


def say(table: Mapping[str, tuple[str, str]], kind: str, language: str, values: Mapping[str, Any]) -> str:
    """The words of a kind in a language, their places filled; one clip is `1 clip` in English."""
    words = table[kind][LANGUAGES.index(language)].format(**values)
    if language == "en" and values.get("n") == 1:
        for many, one in _SINGULAR.items():
            words = words.replace(many, one)
    return words


_SINGULAR = {
    "1 clips look": "1 clip looks",
    "1 clips would": "1 clip would",
    "1 clips should": "1 clip should",
    "1 clips are copies of others": "1 clip is a copy of another",
    "1 clips are": "1 clip is",
}


def amount(seconds: float, language: str) -> str:
    """A length of speech as a person says it: whole minutes from one minute on."""
    if seconds < 60:
        number, word = round(seconds), ("second", "秒")
    elif seconds < 5400:
        number, word = int(seconds // 60), ("minute", "分钟")
    else:
        return f"{seconds / 3600:.1f} hours" if language == "en" else f"{seconds / 3600:.1f} 小时"
    if language == "zh":
        return f"{number} {word[1]}"
    return f"{number} {word[0]}{'' if number == 1 else 's'}"

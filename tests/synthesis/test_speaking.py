"""Text to speech with miniature networks: order, pauses, seeds, references, and nothing hidden."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from gsv.audio import read, read_tags, write
from gsv.errors import Cancelled, DataError, InputError, WeightsError
from gsv.events import RecordedEvents
from gsv.gpt_families import small_gpt
from gsv.models.gpt.decoder import new_decoder
from gsv.settings import Workspace
from gsv.synthesis import checking
from gsv.synthesis.assembly import pauses_before, silence, speech_level
from gsv.synthesis.checking import Check
from gsv.synthesis.engine import Speech, Synthesizer
from gsv.synthesis.options import SpeakOptions, options_from
from gsv.synthesis.sentences import seed_of
from gsv.synthesis.voice import Reference, Voice, base_voice
from gsv.text.markup import Break
from gsv.text.plan import plan
from gsv.weights.bundle import read_info, save_bundle
from gsv.weights.networks import gpt_info, load_gpt
from tests.synthesis.conftest import RATE, speech
from tests.synthesis.speaking import voice_of

FOUR_LANGUAGES = "Hello there. 今天天气很好。おはよう。안녕하세요."


def places(spoken: Speech) -> list[tuple[int, int]]:
    return [
        (round(item.start * spoken.rate), round((item.start + item.seconds) * spoken.rate))
        for item in spoken.sentences
    ]


def test_a_text_in_four_languages(engine: Synthesizer, voice: Voice) -> None:
    spoken = engine.speak(FOUR_LANGUAGES, voice, SpeakOptions(seed=1))
    assert [item.language for item in spoken.sentences] == ["en", "zh", "ja", "ko"]
    assert np.isfinite(spoken.samples).all() and np.abs(spoken.samples).max() <= 1
    for item in spoken.sentences:
        assert item.words and item.attempts == 1 and item.phones
        assert all(0 <= word.start <= word.end <= item.seconds + 1e-6 for word in item.words)
    # Random networks say nothing that an ear could read: that is told, not hidden.
    assert not spoken.passed and spoken.sentences[0].failures


@pytest.mark.parametrize("pause", [0.0, 0.3, 0.777])
def test_pauses_are_exact_and_joins_silent(engine: Synthesizer, voice: Voice, pause: float) -> None:
    text = 'One day.<break time="1250ms"/>Two days. Three days.<break time="0.5s"/>'
    spoken = engine.speak(text, voice, SpeakOptions(seed=2, pause=pause))
    borders = places(spoken)
    silences = [second[0] - first[1] for first, second in itertools.pairwise(borders)]
    assert silences == [round(1.25 * spoken.rate), round(pause * spoken.rate)]
    assert len(spoken.samples) - borders[-1][1] == round(0.5 * spoken.rate)
    for first, second in itertools.pairwise(borders):
        assert not spoken.samples[first[1] : second[0]].any()
        edge = max(abs(spoken.samples[first[1] - 1]), abs(spoken.samples[second[0]]))
        assert edge < 0.01 * np.abs(spoken.samples).max()


@pytest.mark.parametrize("rate", [16000, 22050, 24000, 32000, 44100, 48000])
def test_pauses_are_exact_at_every_rate(rate: int) -> None:
    one, two = plan("One day. Two days.", "en").utterances
    items = [Break(0.25), one, two, Break(0.1), Break(0.2), one, Break(1.0)]
    found = [len(silence(seconds, rate)) for seconds, _ in pauses_before(items, 0.3)]
    # Breaks stand in place of the pause, and add up; nothing follows but the last one.
    assert found == [round(0.25 * rate), round(0.3 * rate), round((0.1 + 0.2) * rate), rate]


def test_loudness_is_steady(engine: Synthesizer, voice: Voice) -> None:
    spoken = engine.speak("One day. Two days. Three days.", voice, SpeakOptions(seed=3, loudness=-30))
    for (first, last), report in zip(places(spoken), spoken.sentences, strict=True):
        level = speech_level(spoken.samples[first:last], spoken.rate)
        assert level is not None
        assert level == pytest.approx(-30, abs=1.5) or abs(report.gain) > 11.9
    plain = engine.speak("One day.", voice, SpeakOptions(seed=3, loudness=None, trim=False, verify=False))
    assert plain.sentences[0].gain == 0


def test_the_same_seed_gives_the_same_speech_in_any_thread(engine: Synthesizer, voice: Voice) -> None:
    text = "One day. 今天天气很好。"
    wanted = {seed: engine.speak(text, voice, SpeakOptions(seed=seed)).samples for seed in (5, 6)}
    found: dict[int, np.ndarray] = {}

    def say(number: int) -> None:
        found[number] = engine.speak(text, voice, SpeakOptions(seed=5 + number % 2)).samples

    state = torch.random.get_rng_state()
    threads = [threading.Thread(target=say, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert torch.equal(state, torch.random.get_rng_state())
    for number in range(4):
        assert np.array_equal(found[number], wanted[5 + number % 2])
    assert not np.array_equal(wanted[5][:1000], wanted[6][:1000])
    again = engine.speak(text, voice, SpeakOptions(seed=5, batch_size=2))
    assert [item.codes for item in again.sentences] == [
        item.codes for item in engine.speak(text, voice, SpeakOptions(seed=5)).sentences
    ]


def test_a_random_seed_is_told_and_can_be_used_again(engine: Synthesizer, voice: Voice) -> None:
    first = engine.speak("One day.", voice)
    second = engine.speak("One day.", voice, SpeakOptions(seed=first.seed))
    assert np.array_equal(first.samples, second.samples)
    assert first.sentences[0].seed == seed_of(first.seed, 0, 0)


@pytest.mark.parametrize("text", ["。", "……", "!", " ", "", '<break time="1s"/>'])
def test_only_marks_are_nothing_to_say(engine: Synthesizer, voice: Voice, text: str) -> None:
    with pytest.raises(InputError, match="nothing to say"):
        engine.speak(text, voice)


@pytest.mark.parametrize("text", ["a", "我", "A.", "あ", "7", "。好。", "……!ok"])
def test_one_sign_is_said(engine: Synthesizer, voice: Voice, text: str) -> None:
    spoken = engine.speak(text, voice, SpeakOptions(seed=1))
    assert len(spoken.sentences) == 1 and spoken.seconds > 0.1


def test_three_hundred_sentences_come_one_by_one(engine: Synthesizer, voice: Voice) -> None:
    options = SpeakOptions(seed=4, verify=False, batch_size=30)
    events = RecordedEvents()
    request = engine.begin("Go on. " * 300, voice, options, events)
    count, samples, levels = 0, 0, list[int]()
    for piece in request.pieces():
        samples += len(piece.silence)
        if piece.sentence is not None:
            assert piece.sentence.report.index == count
            count += 1
            assert piece.sentence.report.seconds < 60.1
            levels.append(psutil.Process().memory_info().rss)
    assert count == 300 and samples == 299 * round(0.3 * request.rate)
    assert max(levels[200:]) - max(levels[:150]) < 50e6  # a longer text needs no more memory
    assert [line["done"] for line in events.of("progress")] == list(range(1, 301))


def test_a_failed_sentence_is_said_again_with_other_seeds(engine: Synthesizer, voice: Voice) -> None:
    spoken = engine.speak("One day.", voice, SpeakOptions(seed=9, retries=3))
    report = spoken.sentences[0]
    assert report.attempts == 4 and not report.passed
    assert report.seed in {seed_of(9, 0, number) for number in range(4)}
    unchecked = engine.speak("One day.", voice, SpeakOptions(seed=9, verify=False, retries=3))
    assert unchecked.sentences[0].attempts == 1


def test_of_several_candidates_the_best_heard_is_kept(
    engine: Synthesizer, voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    badness = iter([0.5, 0.7, 0.9, 0.8, 0.2, 0.6])

    def heard(*_: object) -> tuple[list[Check], float]:
        return [Check("nothing missing", False)], next(badness)

    monkeypatch.setattr(checking, "check_phones", heard)
    options = SpeakOptions(seed=9, candidates=3, batch_size=2)
    first, second = engine.speak("One day. Two days.", voice, options).sentences
    assert (first.attempts, second.attempts) == (3, 3)
    assert first.seed == seed_of(9, 0, 0) and second.seed == seed_of(9, 1, 1)

    badness = iter([0.5, 0.7, 0.3, 0.6])
    again = engine.speak("One day.", voice, SpeakOptions(seed=9, candidates=2, retries=1)).sentences[0]
    assert again.attempts == 4 and again.seed == seed_of(9, 0, 2)  # no candidate is a copy of an earlier one


def test_what_passes_comes_before_what_is_heard_better(
    engine: Synthesizer, voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = iter([(False, 0.1), (True, 0.4), (True, 0.3)])

    def heard(*_: object) -> tuple[list[Check], float]:
        passed, badness = next(found)
        return [Check("nothing missing", passed)], badness

    monkeypatch.setattr(checking, "check_phones", heard)
    monkeypatch.setattr(checking, "check_times", lambda *_: [])
    monkeypatch.setattr(checking, "check_ending", lambda _: Check("ending", True))
    report = engine.speak("One day.", voice, SpeakOptions(seed=9, candidates=3)).sentences[0]
    assert report.passed and report.seed == seed_of(9, 0, 2)


def test_what_is_not_checked_is_said_once(engine: Synthesizer, voice: Voice) -> None:
    spoken = engine.speak("One day.", voice, SpeakOptions(seed=9, verify=False, candidates=4))
    assert spoken.sentences[0].attempts == 1


def test_stop_is_heard_between_sentences(engine: Synthesizer, voice: Voice) -> None:
    events = RecordedEvents()
    request = engine.begin("One day. Two days.", voice, SpeakOptions(seed=1), events)
    pieces = request.pieces()
    next(pieces)
    events.request_stop()
    with pytest.raises(Cancelled):
        next(pieces)


def test_speed_and_rates_in_the_text(engine: Synthesizer, voice: Voice) -> None:
    options = {"seed": 3, "trim": False, "loudness": None}
    plain = engine.speak("One day.", voice, options_from(options))
    fast = engine.speak("One day.", voice, options_from(options | {"speed": 2.0}))
    marked = engine.speak('<prosody rate="200%">One day.</prosody>', voice, options_from(options))
    assert len(fast.samples) == pytest.approx(len(plain.samples) / 2, abs=2000)
    assert len(marked.samples) == len(fast.samples)


def test_edited_phones_are_what_is_said(engine: Synthesizer, voice: Voice) -> None:
    from dataclasses import replace

    script = engine.read("One day.", voice)
    utterance = script.utterances[0]
    edited = replace(utterance.phones, phones=["T", "UW1", "D", "EY1", "Z", "."])
    spoken = engine.speak(
        replace(script, items=(replace(utterance, phones=edited),)), voice, SpeakOptions(seed=1)
    )
    assert spoken.sentences[0].phones == ("T", "UW1", "D", "EY1", "Z", ".")


# --- references


def test_the_prompt_and_what_is_told_of_it(engine: Synthesizer, speaking_root: Path, voice: Voice) -> None:
    options = SpeakOptions(seed=1)
    spoken = engine.speak("One day.", voice, options)
    assert spoken.reference.phones[:2] == ("DH", "AH0") and spoken.reference.fit is not None
    assert (spoken.reference.start, spoken.reference.end) == (0, 4)
    free = engine.speak("One day.", voice, SpeakOptions(seed=1, ref_free=True))
    assert free.reference.phones == ()
    silent = engine.speak(
        "One day.", voice.with_references(Reference(path=speaking_root / "reference.wav")), options
    )
    assert np.array_equal(silent.samples, free.samples)
    assert any("timbre" in note for note in silent.warnings)


def test_a_long_reference_is_cut_with_its_text(
    engine: Synthesizer, speaking_root: Path, voice: Voice
) -> None:
    text = "The lamp by the window is lit. Every evening we read a little. Then we go home."
    long = Reference(path=speaking_root / "long.wav", text=text, language="en")
    choice = engine.begin("One.", voice.with_references(long), SpeakOptions(seed=1)).prompt.choice
    assert 3 <= choice.end - choice.start <= 10
    published = voice_of(speaking_root, "v2", long)
    assert engine.begin("One.", published, SpeakOptions(seed=1)).prompt.codes is not None


def test_a_reference_is_read_with_the_lexicon(engine: Synthesizer, speaking_root: Path, voice: Voice) -> None:
    clip = Reference(path=speaking_root / "reference.wav", text="The zorb is lit.", language="en")
    spelled = engine.begin("One.", voice.with_references(clip)).prompt.choice.phones
    lexicon = speaking_root / "lexicon.tsv"
    lexicon.write_text("en\tzorb\tZ UW1\n", encoding="utf-8")
    try:
        known = engine.begin("One.", voice.with_references(clip)).prompt.choice.phones
    finally:
        lexicon.unlink()
    assert known[2:4] == ("Z", "UW1") and spelled != known


def test_several_references_share_their_timbre(
    engine: Synthesizer, speaking_root: Path, voice: Voice
) -> None:
    leading, other = voice.references[0], Reference(path=speaking_root / "long.wav")
    speakers = [
        engine.begin("One.", voice.with_references(*items)).prompt.speaker
        for items in ([leading], [other, other], [leading, other])
    ]
    assert not torch.allclose(speakers[0], speakers[2])
    assert not torch.allclose(speakers[1], speakers[2])


def test_a_changed_reference_is_heard_again(engine: Synthesizer, tmp_path: Path, voice: Voice) -> None:
    path = tmp_path / "clip.wav"
    vectors = []
    for pitch in (120, 240):
        write(path, speech(4, pitch), RATE)
        vectors.append(engine.begin("One.", voice.with_references(Reference(path=path))).prompt.speaker)
    assert not torch.allclose(*vectors)


def test_bad_references_say_what_is_wrong(engine: Synthesizer, tmp_path: Path, voice: Voice) -> None:
    write(tmp_path / "short.wav", speech(0.3), RATE)
    write(tmp_path / "brief.wav", speech(1.5), RATE)
    write(tmp_path / "silent.wav", np.zeros(4 * RATE, np.float32), RATE)
    with pytest.raises(InputError, match="No reference"):
        engine.speak("One.", voice.with_references())
    with pytest.raises(InputError, match="too short"):
        engine.speak("One.", voice.with_references(Reference(path=tmp_path / "short.wav")))
    with pytest.raises(DataError, match="silent"):
        engine.speak("One.", voice.with_references(Reference(path=tmp_path / "silent.wav")))
    with pytest.raises(InputError):
        engine.speak("One.", voice.with_references(Reference(path=tmp_path / "none.wav")))
    brief = engine.begin(
        "One.", voice.with_references(Reference(path=tmp_path / "brief.wav", text="Hi there"))
    )
    assert any("1.5 s" in note for note in brief.warnings)


# --- options and weights


def test_options_come_in_their_order(engine: Synthesizer, voice: Voice) -> None:
    plain = voice.model_copy(update={"defaults": {}})
    assert engine.options(plain).top_k == 3  # of the family
    assert engine.options(voice).top_k == 0  # of the voice
    assert engine.options(voice, SpeakOptions(top_k=3)).top_k == 3
    assert engine.options(voice, SpeakOptions(top_k=15)).top_k == 15  # though it is the published default
    assert engine.options(plain).repetition_penalty == 1.05
    assert SpeakOptions().model_dump(include={"top_k", "top_p", "temperature", "repetition_penalty"}) == {
        "top_k": 15, "top_p": 1, "temperature": 1, "repetition_penalty": 1.35,
    }  # fmt: skip
    for wrong in ({"top_p": 0}, {"speed": 9}, {"cut": "cut9"}, {"language": "xx"}, {"loud": 1}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            options_from(wrong)


def test_guidance_is_for_a_gpt_that_learnt_it(
    engine: Synthesizer, speaking_root: Path, voice: Voice, tmp_path: Path
) -> None:
    plain = engine.speak("One day.", voice, SpeakOptions(seed=9))
    led = engine.speak("One day.", voice, SpeakOptions(seed=9, guidance=4))
    assert not np.array_equal(plain.samples, led.samples)
    again = engine.speak("One day.", voice, SpeakOptions(seed=9, guidance=4))
    assert np.array_equal(led.samples, again.samples)
    network, info = load_gpt(voice.gpt, torch.device("cpu"))
    config = network.config.model_copy(update={"no_text": None})
    save_bundle(
        tmp_path / "gpt.safetensors", network.state_dict(), gpt_info(config, code_version=info.code_version)
    )
    unled = voice.model_copy(update={"gpt": tmp_path / "gpt.safetensors", "defaults": {}})
    assert engine.options(unled).guidance == 1  # whatever the family's setting is
    with pytest.raises(InputError, match="cannot be guided"):
        engine.speak("One day.", unled, SpeakOptions(seed=9, guidance=2))


def test_weights_that_do_not_belong_together(
    engine: Synthesizer, speaking_root: Path, voice: Voice, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="GPT"):
        base_voice(Workspace(speaking_root), sovits=voice.sovits, gpt=tmp_path / "none.safetensors")
    network = new_decoder(small_gpt("tiny"), seed=1)
    save_bundle(tmp_path / "gpt.safetensors", network.state_dict(), gpt_info(network.config))
    foreign = voice.model_copy(update={"gpt": tmp_path / "gpt.safetensors"})
    with pytest.raises(WeightsError, match="48 codes"):
        engine.speak("One.", foreign)
    # Codes of another quantizer, and phones of another table: each is refused in one sentence, with both names.
    codes = read_info(voice.sovits).code_version
    for name, version, differs in (("tiny", "codes-other", "codes"), ("v1", codes, "symbols")):
        other = new_decoder(small_gpt(name, codes=network.config.codes), seed=1)
        save_bundle(
            tmp_path / f"{name}.safetensors", other.state_dict(), gpt_info(other.config, code_version=version)
        )
        wrong = voice.model_copy(update={"gpt": tmp_path / f"{name}.safetensors"})
        with pytest.raises(WeightsError, match=rf"do not fit together: .* different {differs}") as caught:
            engine.speak("One.", wrong)
        assert "\n" not in str(caught.value) and "gpt" in str(caught.value) and "sovits" in str(caught.value)


def test_the_file_says_that_it_is_synthetic(engine: Synthesizer, voice: Voice, tmp_path: Path) -> None:
    spoken = engine.speak("One day.", voice, SpeakOptions(seed=8))
    spoken.save(tmp_path / "说 $(x).flac")
    assert read(tmp_path / "说 $(x).flac").seconds == pytest.approx(spoken.seconds)
    assert read_tags(tmp_path / "说 $(x).flac")["comment"] == "synthetic"

"""The lexicon: probabilities by hand, its trie against its words, and what it makes of readings."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictors.beam import BeamDecoder
from predictors.lexicon.decoder import LexiconDecoder
from predictors.lexicon.scorer import LexiconScorer
from predictors.lexicon.trie import DIGITS, OUTSIDE, ROOT, Trie, build_trie
from predictors.lexicon.words import (
    ATTACHED,
    BROKEN,
    COMPOUND,
    INITIAL,
    MARK,
    MIXED_CASE,
    NEXT_MARK,
    NUMBER,
    OTHER_CHARACTER,
    WORDS_FILE,
    Lexicon,
    read_lexicon,
)
from predictors.predictor_seq2seq import PredictorSeq2Seq
from preprocessing.tokenizer import END
from tests.helpers.models import LUONG, build, inputs_of, small_pictures
from utils.config.predict import PredictConfig
from utils.errors import UserError

WORDS = {"the": 4.0, "then": 1.0, "Week": 0.5, "week": 0.5, "end": 1.0, "don't": 0.5, "house": 0.5}  # sum 8
CHARSET = "ETHNWKDOUSethnwkdous'-,.\"19 é"


def log_p(word: str) -> float:
    return math.log({"the": 0.5, "then": 0.125, "week": 0.125, "end": 0.125, "don't": 1 / 16, "house": 1 / 16}[word])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the", log_p("the")),
        ("The", log_p("the")),
        ("THE", log_p("the")),
        ("Week", log_p("week")),
        ("don't", log_p("don't")),
        ("the,", log_p("the") + ATTACHED),
        ('("the")', log_p("the") + ATTACHED),
        ("houses'", -12 + 7 * OTHER_CHARACTER),
        ("the-end", log_p("end") + ATTACHED),
        ("th-", math.log(0.625) + BROKEN),  # "the" and "then"
        ("1961", NUMBER),
        ("1,000.50", NUMBER),
        (".", MARK),
        ("...", MARK + 2 * NEXT_MARK),
        ("S.", INITIAL + ATTACHED),
        ("xyz", -12 + 3 * OTHER_CHARACTER),
        ("", MARK),
    ],
)
def test_probabilities_by_hand(text, expected):
    assert Lexicon(WORDS, 12.0).log_probability(text) == pytest.approx(expected)


def test_compounds_of_rare_words():
    """The hyphen makes up for a part of what two rare words cost, but "the-the-the" gets nothing for it."""
    lexicon = Lexicon({"the": 1, "week": 1e-6, "end": 1e-5}, 12.0)
    expected = math.log(1e-6) + math.log(1e-5) + COMPOUND
    assert lexicon.log_probability("week-end") == pytest.approx(expected, abs=1e-4)
    assert lexicon.log_probability("Week-End,") == pytest.approx(expected + ATTACHED, abs=1e-4)
    assert lexicon.log_probability("the-the-the") == pytest.approx(ATTACHED, abs=1e-4)
    assert lexicon.log_probability("the--the") == lexicon.unlisted(8)


@given(st.text(CHARSET + "xyz()", max_size=12))
@settings(deadline=None)
def test_no_text_is_impossible(text):
    lexicon = Lexicon(WORDS, 12.0)
    least = sum(lexicon.unlisted(len(word)) + MIXED_CASE for word in text.split(" "))
    assert least <= lexicon.log_probability(text) <= 0


def follow(trie: Trie, text: str, charset: str = CHARSET) -> int:
    state = ROOT
    for char in text:
        state = trie.following[state, trie.classes[charset.index(char)]]
    return int(state)


def test_trie_of_known_words():
    trie = build_trie(Lexicon(WORDS, 12.0), CHARSET)
    for word in ("the", "then", "week", "end", "don't", "house"):
        for form in (word, word.capitalize(), word.upper(), f'"{word}'):
            assert trie.ending[follow(trie, form)] == pytest.approx(log_p(word))
        for form in (f"{word},", f'"{word}."', f"{word}-"):
            assert trie.ending[follow(trie, form)] == pytest.approx(log_p(word) + ATTACHED)
    assert trie.beginning[follow(trie, "th")] == pytest.approx(math.log(0.625))
    assert trie.beginning[follow(trie, "")] == 0 and trie.ending[follow(trie, "")] == pytest.approx(MARK)
    assert trie.ending[follow(trie, "th")] == -math.inf
    assert follow(trie, '",.') == ROOT and follow(trie, "19,9.") == DIGITS
    for text in ("x", "té", "thet", "the,n", "th,e", "the1", "1the", "week end", "-the the"):
        assert follow(trie, text.replace("x", "é")) == OUTSIDE


@given(st.lists(st.text("abc'", min_size=1, max_size=5), min_size=1, max_size=12, unique=True))
@settings(deadline=None)
def test_trie_agrees_with_the_list(words):
    frequencies = {word: index + 1.0 for index, word in enumerate(words)}
    trie = build_trie(Lexicon(frequencies, 12.0), "abc'")
    total = sum(frequencies.values())
    for word, frequency in frequencies.items():
        assert trie.ending[follow(trie, word, "abc'")] == pytest.approx(math.log(frequency / total), abs=1e-5)
        for length in range(1, len(word)):
            prefix = word[:length]
            mass = sum(f for other, f in frequencies.items() if other.startswith(prefix))
            assert trie.beginning[follow(trie, prefix, "abc'")] == pytest.approx(math.log(mass / total), abs=1e-5)


def test_guide_by_hand():
    guide = LexiconScorer(Lexicon(WORDS, 12.0), CHARSET, weight=0.5)
    index = {char: number for number, char in enumerate(CHARSET, start=3)}
    start = guide.start(np.zeros((1, 2)))
    bonus = np.array(guide(start, np.int32(0)))
    assert bonus.shape == (1, 2, 3 + len(CHARSET))
    assert bonus[0, 0, index["t"]] == pytest.approx(0.5 * math.log(0.625)) == bonus[0, 1, index["T"]]
    assert bonus[0, 0, index["é"]] == pytest.approx(0.5 * (OTHER_CHARACTER - 12))
    assert bonus[0, 0, index["."]] == 0 and bonus[0, 0, END] == pytest.approx(0.5 * MARK)
    place = guide.advance(start, np.array([[index["t"], index["é"]]], np.int32), np.int32(0))
    bonus = np.array(guide(place, np.int32(1)))
    # Neither "t" nor "é" is a word.
    np.testing.assert_allclose(bonus[0, :, END], 0.5 * (OTHER_CHARACTER - 12))
    assert bonus[0, 0, index["h"]] == pytest.approx(0.5 * math.log(0.625))
    assert bonus[0, 1, index["h"]] == pytest.approx(0.5 * (2 * OTHER_CHARACTER - 12))


def test_a_line_is_guided_word_by_word():
    """A text is worth what its words are, and the next word begins anew."""
    lexicon = Lexicon(WORDS, 12.0)
    guide = LexiconScorer(lexicon, CHARSET, weight=1.0)
    index = {char: number for number, char in enumerate(CHARSET, start=3)}
    state = guide.start(np.zeros((1, 1)))
    for step, char in enumerate("the ééé th"):
        if char == " ":
            before = lexicon.log_probability("the ééé th"[:step])
            assert np.array(guide(state, np.int32(step)))[0, 0, index[" "]] == pytest.approx(before, abs=1e-4)
        state = guide.advance(state, np.array([[index[char]]], np.int32), np.int32(step))
    bonus = np.array(guide(state, np.int32(10)))[0, 0]
    before = log_p("the") + 3 * OTHER_CHARACTER - 12
    assert bonus[index["e"]] == pytest.approx(before + math.log(0.625), abs=1e-4)
    assert bonus[END] == pytest.approx(before + 2 * OTHER_CHARACTER - 12, abs=1e-4)
    assert lexicon.log_probability("the week, then") == pytest.approx(
        log_p("the") + log_p("week") + ATTACHED + log_p("then")
    )


def test_bundled_list():
    lines = WORDS_FILE.read_text(encoding="utf-8").splitlines()
    assert 90_000 < len(lines) == len({line.split("\t")[0] for line in lines})
    assert WORDS_FILE.stat().st_size < 1_500_000
    lexicon = read_lexicon(None, 12.0)
    assert len(lexicon.words) == len(lines) and sum(lexicon.words.values()) == pytest.approx(1)
    order = ["the", "House", "voluptuous", "Xqzzk"]
    probabilities = [lexicon.log_probability(word) for word in order]
    assert probabilities == sorted(probabilities, reverse=True)


def test_own_list(tmp_path):
    file = tmp_path / "words.txt"
    file.write_text("\ufeffStraße\t3\n\nApfel\nstraße\t1\r\n  Birne \t 5 \n", encoding="utf-8")
    assert read_lexicon(file, 12.0).words == pytest.approx({"straße": 0.4, "apfel": 0.1, "birne": 0.5})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "can't be read: No such file or directory"),
        (b"\n \n", "holds no words"),
        (b"a\t1\nb\tmany\n", "line 2: frequency 'many'"),
        (b"a\tnan\n", "line 1: frequency 'nan'"),
        (b"\xff\xfe\x00", "is not UTF-8"),
        (b"le\nmaison 52000\n", "line 2"),
        (b"a\t1e308\nb\t1e308\n", "sum"),
        (b"a\t1e308\na\t1e308\n", "sum"),
    ],
)
def test_bad_lists(tmp_path, content, message):
    file = tmp_path / "words.tsv"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UserError, match=r"words\.tsv") as error:
        read_lexicon(file, 12.0)
    assert message in str(error.value) and len(str(error.value).splitlines()) == 1


def test_words_whose_share_is_zero_are_not_listed(tmp_path):
    file = tmp_path / "words.tsv"
    file.write_text("look\t1e308\nnook\t1e-300\n", encoding="utf-8")
    lexicon = read_lexicon(file, 12.0)
    assert lexicon.words == {"look": 1.0}
    assert lexicon.log_probability("nook") == -12 + 4 * OTHER_CHARACTER
    assert follow(build_trie(lexicon, CHARSET + "l"), "nook", CHARSET + "l") == OUTSIDE


@pytest.fixture
def decoder(tmp_path):
    """A function: network, words and settings -> lexicon decoder."""

    def make(model, words: str, weight: float, **settings) -> LexiconDecoder:
        file = tmp_path / "words.txt"
        file.write_text(words, encoding="utf-8")
        lexicon = {"file": str(file), "weight": weight}
        return LexiconDecoder(
            model, PredictConfig.model_validate({"decoder": "lexicon", "lexicon": lexicon, **settings})
        )

    return make


def read(model, decoder, images):
    ids, *_ = decoder.predict_on_batch(inputs_of(model, images))
    return [[model.tokenizer.decode(row) for row in word if row[0]] for word in ids]


def test_a_heavy_lexicon_leads_to_its_words(make_config, decoder, eagerly):
    """The beam is far too narrow to find them by itself."""
    model, images = build(make_config, **LUONG), small_pictures(10)
    texts = read(model, decoder(model, "badge\ncafe", 100.0, beam_width=2), images)
    assert {text for (text,) in texts} <= {"badge", "cafe"}


def test_an_unlisted_word_wins_where_the_image_is_clear(make_config, decoder, eagerly):
    model, images = build(make_config, **LUONG), small_pictures(10)
    clear = PredictorSeq2Seq(model).predict_batch(images)
    texts = read(model, decoder(model, "badge\ncafe", 0.05, beam_width=4, ctc_weight=0.0), images)
    sure = [(p.text, text) for p, (text,) in zip(clear, texts, strict=True) if p.confidence > 0.9]
    assert sure and all(first == second for first, second in sure)


def test_without_weight_it_is_beam_search(make_config, decoder):
    model, images = build(make_config, **LUONG, ctc_weight=0.5), small_pictures(8)
    settings = {"beam_width": 5, "n_best": 3, "length_penalty": 0.4, "ctc_weight": 0.3}
    beam = BeamDecoder(model, PredictConfig(decoder="beam", **settings))
    expected = beam.predict_on_batch(inputs_of(model, images))
    result = decoder(model, "badge\ncafe", 0.0, **settings).predict_on_batch(inputs_of(model, images))
    np.testing.assert_array_equal(result[0], expected[0])
    np.testing.assert_allclose(result[1], expected[1], atol=1e-5)
    np.testing.assert_allclose(result[2], expected[2], atol=1e-5)


def test_rank_is_made_of_image_and_language(make_config, decoder, eagerly):
    model, images = build(make_config, **LUONG), small_pictures(6)
    lexicon = decoder(model, "bad\t9\nfed\t1", 0.7, beam_width=6, n_best=4, length_penalty=0.5)
    ids, scores, rank = lexicon.predict_on_batch(inputs_of(model, images))
    assert ids.shape == (6, 4, 9) and rank.shape == (6, 4)
    for word_ids, word_scores, word_rank in zip(ids, scores, rank, strict=True):
        for row, score, its_rank in zip(word_ids, word_scores, word_rank, strict=True):
            text = model.tokenizer.decode(row)
            known = lexicon.lexicon.log_probability(text)
            assert its_rank == pytest.approx((score.sum() + 0.7 * known) / (len(text) + 1) ** 0.5, abs=1e-3)
        assert list(word_rank) == sorted(word_rank, reverse=True)


def test_a_list_with_frequencies_behind_commas_is_refused(tmp_path):
    (tmp_path / "words.csv").write_text("hello,120\nworld,90\n", encoding="utf-8")
    with pytest.raises(UserError, match="line 1"):
        read_lexicon(tmp_path / "words.csv", 12.0)

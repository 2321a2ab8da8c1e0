"""Commas and full stops of a page stand against their words if most of them do."""

from hypothesis import given
from hypothesis import strategies as st

from preprocessing.page.layout import Line, PageWord
from preprocessing.page.punctuation import attach_punctuation


def line(text, **more):
    return Line((), text=text, **more)


def texts(*lines):
    return [one.text for one in attach_punctuation([line(text) for text in lines])]


def test_the_majority_of_the_marks_of_a_page_decides():
    assert texts("an hour , and", "a day, a year.") == ["an hour, and", "a day, a year."]
    assert texts("an hour , and", "a day.") == ["an hour, and", "a day."]
    apart = ["an hour , and", "a day .", "a year,"]
    assert texts(*apart) == apart
    assert texts("no mark") == ["no mark"] and texts() == []


def test_only_commas_and_full_stops_after_a_word_lose_their_blank():
    kept = "Qui ? Moi : oui ; non ! a .5 b , c", "a, b. c, d."
    assert texts(*kept) == ["Qui ? Moi : oui ; non ! a .5 b, c", "a, b. c, d."]
    for dots in (". . .", "wait . . . what", "a , , b"):
        assert texts(dots, "a, b. c, d.") == [dots, "a, b. c, d."]


def test_word_and_mark_become_one_word_in_one_box():
    words = (
        PageWord("an", 0.9, (0, 10, 20, 10)),
        PageWord("hour", 0.5, (30, 8, 40, 12)),
        PageWord(",", 0.5, (72, 18, 4, 6)),
        PageWord("and", 1.0, (90, 10, 30, 10)),
    )
    probabilities = tuple(i / 20 for i in range(len("an hour , and")))
    others = "an hour, and", "an hour , end"
    one = line("an hour , and", words=words, character_confidences=probabilities, alternatives=others)
    attached, _ = attach_punctuation([one, line("now.")])
    (other,) = attach_punctuation([line("an hour, and", alternatives=("an hour , and", "an hour , end"))])
    assert other.alternatives == ("an hour, end",)
    assert attached.words == (words[0], PageWord("hour,", 0.25, (30, 8, 46, 16)), words[3])
    assert attached.character_confidences == probabilities[:7] + probabilities[8:]
    assert attached.alternatives == ("an hour, end",)


def test_a_word_with_its_mark_is_no_less_sure_than_its_line():
    words = PageWord("hour", 0.7, (30, 8, 40, 12)), PageWord(",", 0.7, (72, 18, 4, 6))
    attached, _ = attach_punctuation([line("hour ,", words=words, confidence=0.6), line("now.")])
    assert attached.words[0].confidence == 0.6


@given(st.lists(st.text("ab .,;é1", max_size=12).map(lambda text: " ".join(text.split()))))
def test_nothing_but_blanks_is_lost_and_words_follow_the_text(found):
    lines = [
        line(text, words=tuple(PageWord(word, 0.5, (3 * i, 0, 2, 4)) for i, word in enumerate(text.split())))
        for text in found
    ]
    attached = attach_punctuation(lines)
    assert [one.text.replace(" ", "") for one in attached] == [text.replace(" ", "") for text in found]
    assert all([word.text for word in one.words] == one.text.split() for one in attached)
    assert attach_punctuation(attached) == attached

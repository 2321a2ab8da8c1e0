"""The tools that recombine words and lines take a few thousand words of a hand at a time."""

from preprocessing.labels import Word
from tools.recombining import hands


def test_the_words_of_one_hand_are_held_in_memory_in_parts():
    words = [Word(f"{i}.png", "ab", None) for i in range(5000)] + [Word("a.png", "ab", "ann")]
    parts = list(hands(words, 10, "words"))
    assert [(writer, len(own)) for writer, own, _ in parts] == [(None, 2000), (None, 2000), (None, 1000), ("ann", 1)]
    assert [word for _, own, _ in parts for word in own] == words
    assert sum(wanted for _, _, wanted in parts) == 10 and [wanted for _, _, wanted in parts[:2]] == [4, 4]

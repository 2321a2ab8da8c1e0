"""Which words the report shows, chosen by hand."""

from predictors.report.words import choose_words


def test_choice_of_words():
    errors, confidences = [0, 2, 1, 1, 0], [0.9, 0.1, 0.2, 0.8, 0.3]
    # Most errors, then the surest error, then the least sure hit.
    assert choose_words(errors, confidences) == [1, 3, 2, 4, 0]
    errors = [1] * 50 + [0] * 50
    chosen = choose_words(errors, [i / 100 for i in range(100)], most=10)
    assert len(set(chosen)) == 10 and sum(errors[i] for i in chosen) == 8
    # The right ones are spread from the least to the most sure.
    assert chosen[8:] == [50, 99]
    assert len(choose_words([1] * 50, [0.5] * 50, most=10)) == 10
    assert len(choose_words([0] * 50, [0.5] * 50, most=10)) == 10
    assert len(choose_words([1] * 99 + [0], [0.5] * 100, most=10)) == 10

"""The report's shares of errors and its confusions, counted by hand."""

from metrics.alignment import align
from predictors.report.statistics import LONGEST, Confusion, confusions_by_kind, errors_by_character, errors_by_length


def test_errors_by_length_and_character():
    alignments = [align("ab", "ab"), align("ab", "xbc"), align("c", ""), align("d" * 20, "d" * 19)]
    by_length = [(share.name, share.count, share.errors) for share in errors_by_length(alignments)]
    # "ab" twice with a substitution and an insertion; one lost "c"; one lost "d" of twenty.
    assert by_length == [("1", 1, 1), ("2", 4, 2), (f"{LONGEST}+", 20, 1)]
    by_character = errors_by_character(alignments)
    assert [(s.name, s.count, s.errors) for s in by_character] == [("d", 20, 1), ("a", 2, 1), ("c", 1, 1), ("b", 2, 0)]
    assert by_character[1].rate == 0.5


def test_confusions_by_kind():
    right, substituted = [("a", "a")] * 3 + [("c", "c")] * 3, [("a", "o"), ("b", "o"), ("b", "o")]
    kinds = confusions_by_kind([right, substituted, [("c", "")] * 3, [("", "d")] * 4])
    assert kinds["Substituted"] == [Confusion("b", "o", 2, 1.0), Confusion("a", "o", 1, 0.25)]
    assert kinds["Deleted"] == [Confusion("c", "", 3, 0.5)]
    assert kinds["Inserted"] == [Confusion("", "d", 4, None)]

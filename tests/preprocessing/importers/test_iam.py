"""IAM's lines.txt, by hand and at random."""

from hypothesis import given
from hypothesis import strategies as st

from preprocessing.importers.iam import read_lines, read_words
from preprocessing.tokenizer import normalize_label
from utils.errors import UserError

HEAD = "a01-000u-{:02} ok 154 19 408 746 1661 89 "
TOKENS = st.text(st.characters(exclude_categories=["Cs", "Z", "C"], exclude_characters="|#"), min_size=1, max_size=6)


@given(st.lists(TOKENS, min_size=1, max_size=8))
def test_tokens_become_words(tmp_path_factory, tokens):
    path = tmp_path_factory.mktemp("iam") / "lines.txt"
    path.write_text(HEAD.format(0) + "|".join(tokens), encoding="utf-8")
    records, dropped = read_lines(path, {"a01-000u": "7"})
    assert dropped == [] and [record.word.writer for record in records] == ["7"]
    assert records[0].word.filename == "a01/a01-000u/a01-000u-00.png" and records[0].form == "a01-000u"
    assert records[0].word.label.split(" ") == [part for part in normalize_label(" ".join(tokens)).split(" ") if part]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_is_read_or_refused(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("iam") / "lines.txt"
    path.write_text(f"{text}\n{HEAD.format(1)}|\n", encoding="utf-8")
    for read in (read_lines, read_words):
        try:
            records, dropped = read(path, {})
        except UserError:
            continue
        assert all("  " not in record.word.label for record in records)
        assert {one.reason for one in dropped} <= {"malformed line"}

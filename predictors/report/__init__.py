"""The evaluation report: one HTML page and one table about how a test set was read.

`run.py` is the way in and `write.py` puts the parts together; `alignment.py` and `statistics.py` count;
`attention.py` and `words.py` gather what the gallery shows; `charts.py`, `tables.py` and `page.py` write.
"""

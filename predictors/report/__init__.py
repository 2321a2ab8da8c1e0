"""The evaluation report: one HTML page and one table about how a test set was read.

`run.py` is the entry point and `write.py` puts the parts together; `statistics.py` counts errors, `attention.py` and
`words.py` gather what the gallery shows, and `html.py` renders.
"""

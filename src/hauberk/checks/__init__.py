"""The doctor: a table of checks over the objects of a cluster or of files.

`table.CHECKS` is the catalogue, `judge.run` judges a world; worlds come from `files` and `live`.
"""

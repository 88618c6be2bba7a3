"""Cases that stand elsewhere than in cases.jsonl: JSON lines, CSV, parquet, a dataset on the Hugging Face hub.

`sources` chooses the reader, `files` and `hub` read row by row, `fields` makes a case's fields of a row, `dataset`
turns cases into a `datasets.Dataset`.
"""

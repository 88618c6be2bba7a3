"""Cases that come from elsewhere: a file outside the repository, a dataset on the Hugging Face hub.

`sources` chooses the reader (files are read by `documents.reading.tables`), `hub` reads a dataset row by row, `dataset`
turns cases into a `datasets.Dataset`.
"""

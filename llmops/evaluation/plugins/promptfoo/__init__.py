"""Assertion files of promptfoo, read and measured by rules of our own: no code in a file ever runs.

`reading` takes a file apart and says what has no counterpart here (`support` has the table), `measuring` gives the
verdict of one assert, `combining` makes one score of them. The meaning of each type follows promptfoo 0.121; where it
deliberately differs, `support` says so.
"""

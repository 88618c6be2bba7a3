"""Git: reading any tree of a repository, and the one door through which it is written.

`repository.open_repository` is the way in. Reads on hot paths and all writes go through git's plumbing; GitPython,
which takes a while to import, is asked only for what it is good at: the authors of commits.
"""

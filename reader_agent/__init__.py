"""The reader agent: a program of its own that runs in a shop, with or without the server near.

It imports `cardsvc.credential` and nothing else of this project, and makes no call that only a
POSIX system has: shops run Windows.
"""

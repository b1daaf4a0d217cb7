"""The catalogues of sentences, and what keeps them whole: `python -m sesame.translations`."""

"""QR credentials: made by an issuer, proven by a phone, checked by anyone with the issuer's key.

Pure code shared by the server and the reader agent: no database, no web framework, nothing else
of this project. Every byte is described in docs/credential.md. Import what you need from its
module (`cardsvc.credential.verify`, `.token`, ...): a reader that only verifies then never loads
what issuing needs.
"""

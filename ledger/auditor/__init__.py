"""What an auditor runs without us: it checks an export against a checkpoint that they kept.

Imports the standard library, cryptography and the pure seal only; no database, no settings.
"""

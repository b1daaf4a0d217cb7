"""`sesame`: one command for whoever installs, runs or checks it."""

from sesame.cli.main import main

__all__ = ["main"]

"""The web shell that every room's pages and API stand in."""

from sesame.platform.web.hooks import Registry
from sesame.platform.web.shell import Shell, create_shell, current

__all__ = ["Registry", "Shell", "create_shell", "current"]

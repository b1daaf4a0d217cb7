"""`python -m sesame.translations update|check`, from the root of the project.

update  write the English catalogue anew: new sentences are added, gone ones dropped
check   say what is missing, unsure or unused, and fail if anything is
"""

import sys
from pathlib import Path

from sesame.translations.catalogues import problems, read, sentences, update


def main(arguments: list[str]) -> int:
    """Run one command. Returns the exit status."""
    root = Path.cwd()
    if arguments == ["update"]:
        bare = update(sentences(root))
        sys.stdout.write(f"{bare} sentences without English\n")
        return 0
    if arguments == ["check"]:
        wrong = list(problems(sentences(root), read()))
        sys.stdout.writelines(f"{each}\n" for each in wrong)
        return 1 if wrong else 0
    sys.stderr.write((__doc__ or "") + "\n")
    return 2


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

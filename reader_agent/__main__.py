"""`python -m reader_agent` is `sesame-reader`."""

from .cli import main

if __name__ == "__main__":
    main()

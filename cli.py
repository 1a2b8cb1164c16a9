"""``python cli.py …`` and ``accelerate launch cli.py train …``: the same as ``ganstyle …``."""

from ganstyle.cli import main

if __name__ == "__main__":
    main()

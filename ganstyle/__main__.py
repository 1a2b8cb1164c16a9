"""``python -m ganstyle`` and ``accelerate launch -m ganstyle``."""

from ganstyle.cli import main

if __name__ == "__main__":
    main()

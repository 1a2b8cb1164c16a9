"""Fuzz one target, guided by coverage, with atheris (``pip install atheris``; Python 3.11 to 3.13 on Linux).

    python -m tests.fuzz.fuzz image -max_total_time=600 -timeout=60 -rss_limit_mb=1800 corpus/

An input may take 5 s of CPU time, and 1 GiB of memory with all that is imported: 600 MB, for ``gui`` 720 MB.
``-timeout`` is of the clock and for those that hang, since other programs may keep the processors.
``-rss_limit_mb`` is looked at once a second, and is for those that would take all that the machine has. The
rest is libFuzzer's: the last folder keeps what was found to reach new code. What fails is written to
``crash-…``, ``timeout-…`` or ``oom-…``; `test_targets` keeps what was fixed.
"""

import resource
import sys
import time
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["ganstyle", "PIL", "ruamel", "safetensors"]):
    from tests.fuzz.targets import TARGETS, seeds

_SECONDS = 5
_MEMORY = 2**30  # bytes


def main() -> None:
    """Run the program."""
    name, *options = sys.argv[1:]
    corpus = next((Path(option) for option in reversed(options) if not option.startswith("-")), None)
    if corpus:
        corpus.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(seeds(name)):
            (corpus / f"seed-{number}").write_bytes(seed)

    def run(data: bytes) -> None:
        began = time.process_time()
        TARGETS[name](data)
        assert time.process_time() - began < _SECONDS, "too slow"
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 < _MEMORY, "too much memory"

    atheris.Setup([sys.argv[0], *options], run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

#!/usr/bin/env bash
# The core's tests on another Python or PyTorch, in an environment of its own. `OLDEST=1 .ci/run` includes them.
#
#     tests/oldest.sh                                      # python3 with the oldest PyTorch that pyproject.toml allows
#     PYTHON=python3.13 tests/oldest.sh                    # another Python with the oldest PyTorch
#     PYTHON=python3.13 TORCH= tests/oldest.sh             # another Python with the newest PyTorch
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
oldest=$(sed -n 's/^ *"\(torch\(vision\)\?\)>=\([0-9.]*\)",$/\1==\3.*/p' pyproject.toml)
"${PYTHON:-python3}" -m venv "$scratch/venv"
# shellcheck source=/dev/null
source "$scratch/venv/bin/activate"
# shellcheck disable=SC2086
pip install --quiet -e '.[test]' ${TORCH-$oldest}
python -c 'import sys, torch; print("Python", sys.version.split()[0], "PyTorch", torch.__version__)'
# PyTorch 2.11 warns of itself where it takes derivatives along a direction.
python -m pytest -q -W 'ignore:`torch.jit.script` is deprecated:DeprecationWarning' tests/models \
    tests/losses tests/images tests/recipe tests/style tests/stylize tests/gatys \
    tests/runs/test_resume.py tests/training/test_loop.py tests/cli/test_stylize.py

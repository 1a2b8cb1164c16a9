"""YAML 1.2 as a recipe needs it: nothing that a reader of the file would not expect.

YAML 1.1 reads ``010`` as 8, ``1:30`` as 90 and ``no`` as false, and most loaders let the second of two
equal keys win. Here ``010`` is 10, ``1:30`` and ``no`` are text, only ``true`` and ``false`` are booleans,
dates are text, and a key that appears twice is an error.
"""

import re
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import ScalarNode

from ganstyle.errors import one_line

_DEEPEST = 50  # levels of nesting
LONGEST = 2**20  # characters


class SourceInt(int):
    """A whole number that remembers how it was written, for keys that hold text: ``name: 001``."""

    source: str


class SourceFloat(float):
    """Likewise for other numbers: ``year: 1889.50``."""

    source: str


class _Constructor(SafeConstructor):
    """Builds plain values; numbers keep their source text."""


def _construct_int(constructor: SafeConstructor, node: ScalarNode) -> SourceInt:
    number = SourceInt(constructor.construct_yaml_int(node))
    number.source = node.value
    return number


def _construct_float(constructor: SafeConstructor, node: ScalarNode) -> SourceFloat:
    number = SourceFloat(constructor.construct_yaml_float(node))
    number.source = node.value
    return number


_Constructor.add_constructor("tag:yaml.org,2002:int", _construct_int)
_Constructor.add_constructor("tag:yaml.org,2002:float", _construct_float)
for _tag in ("timestamp", "value", "merge"):  # YAML 1.1's, such as a date: text in YAML 1.2
    _Constructor.add_constructor(f"tag:yaml.org,2002:{_tag}", SafeConstructor.construct_yaml_str)


def parse_yaml(text: str) -> Any:
    """Read one YAML 1.2 document.

    Returns:
        Plain values; numbers are `SourceInt` or `SourceFloat`.

    Raises:
        ValueError: the text is not YAML, has a key twice, or is far too long or nested for a recipe; the
            message is one line.
    """
    if len(text) > LONGEST:
        raise ValueError(f"longer than {LONGEST} characters")
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _Constructor
    yaml.max_depth = _DEEPEST
    try:
        return yaml.load(text)
    except YAMLError as error:
        raise ValueError(_explain(error)) from error
    except RecursionError as error:
        raise ValueError("too deeply nested") from error


def dump_yaml(values: Any) -> str:
    """Write plain values as YAML, one key a line, in their order."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.allow_unicode = True
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = 2**16  # never fold a long text
    out = StringIO()
    yaml.dump(values, out)
    return out.getvalue()


def _explain(error: YAMLError) -> str:
    """Turn an error of the parser into one line that says where and what."""
    if not isinstance(error, MarkedYAMLError):
        return one_line(error)
    if "maximum depth" in str(error.problem):
        return "too deeply nested"
    mark = error.problem_mark or error.context_mark
    where = f"line {mark.line + 1}: " if mark else ""
    if isinstance(error, DuplicateKeyError):
        key = re.search(r'duplicate key "(.*?)"', error.problem or "", re.DOTALL)
        return f"{where}the key '{key[1] if key else '?'}' appears twice; keep one"
    return where + one_line(" ".join(filter(None, (error.context, error.problem))))

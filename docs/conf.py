"""Sphinx configuration. Build: ``sphinx-build -W --keep-going docs docs/_build``. It needs no network."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "_ext")]

from ganstyle import __version__  # noqa: E402

project = "ganstyle"
copyright = "the ganstyle authors"
version = release = __version__

extensions = [
    "myst_nb",  # Markdown, and the tutorial
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "generated",  # docs/_ext/generated.py: the recipe's keys and the command line
]
exclude_patterns = ["_build"]
myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # the tests execute it

default_role = "py:obj"
autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88

html_theme = "furo"
html_title = f"ganstyle {__version__}"
html_static_path = ["_static"]
html_css_files = ["ganstyle.css"]
html_copy_source = False
html_show_sphinx = False

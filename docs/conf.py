"""Sphinx: the pages of this folder, and the reference from the docstrings.

sphinx-build -W docs work_dirs/docs
"""

from mcmi_plugin import __version__

project = 'mcmi_plugin'
version = release = __version__
extensions = [
    'sphinx.ext.autodoc',
    'sphinx.ext.autosummary',
    'sphinx.ext.napoleon',
    'myst_parser',
]
templates_path = ['_templates']
# index.rst includes README.md; results are linked to, as files.
exclude_patterns = ['README.md', 'results', '_templates']
html_title = f'mcmi_plugin {version}'

autodoc_typehints = 'description'
autodoc_typehints_description_target = 'documented'
autodoc_member_order = 'bysource'
napoleon_numpy_docstring = False
napoleon_use_ivar = True

myst_enable_extensions = ['dollarmath']
myst_heading_anchors = 3
# Links to files outside of this folder; tests/docs checks every link.
suppress_warnings = ['myst.xref_missing']

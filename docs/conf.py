"""Settings of Sphinx: ``make docs``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "credentials_settings.settings.test")
django.setup()  # so that autodoc can import models

from badges import __version__  # noqa: E402

project = "openedx-badges"
copyright = "The openedx-badges contributors"  # noqa: A001 the name is Sphinx's
release = __version__

extensions = ["sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
nitpicky = False
autodoc_typehints = "description"
autodoc_member_order = "bysource"

html_theme = "sphinx_book_theme"
html_title = project

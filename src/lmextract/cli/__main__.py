"""`python -m lmextract.cli` is `lmextract`."""

from __future__ import annotations

import sys

from lmextract.cli import main

sys.exit(main())

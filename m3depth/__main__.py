"""``python -m m3depth VERB``."""

import sys

from m3depth.cli.app import main

sys.exit(main())

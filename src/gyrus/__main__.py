"""``python -m gyrus``."""

import sys

from gyrus.cli import main

sys.exit(main())

"""`python -m utils.create_labels`: the name under which people know `tools.create_labels`."""

import sys

from tools.create_labels import main

if __name__ == "__main__":
    sys.exit(main())

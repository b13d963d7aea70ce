"""The whole story in half a minute: export, keep, announce, delete, against a sandbox cloud."""

import sys

from tests.demo.story import tell

if __name__ == "__main__":
    sys.exit(tell())

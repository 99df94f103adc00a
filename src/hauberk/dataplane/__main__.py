"""`python -m hauberk.dataplane ROLE`."""

import logging
import os
import sys

from hauberk.dataplane.process import main

if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    if len(sys.argv) != 2:
        sys.exit("usage: python -m hauberk.dataplane ROLE")
    sys.exit(main(sys.argv[1], os.environ))

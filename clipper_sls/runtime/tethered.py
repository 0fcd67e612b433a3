"""`python -m clipper_sls.runtime.tethered MODULE ARGUMENT...`: a module that ends when whoever started it is gone.

For programs of others that run on this machine in the place of AWS.
"""

import os
import runpy
import signal
import sys

from clipper_sls.runtime import lifeline
from clipper_sls.runtime.standard_streams import survive_full_disk


def main() -> None:
    survive_full_disk()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole process group; the parent ends its own
    lifeline.follow_parent(os.environ.pop("CLIPPER_LIFELINE_FD", None))
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()

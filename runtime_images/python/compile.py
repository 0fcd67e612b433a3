"""Compiles all sources below folders, inside a build: `compile.py FOLDER...`. What does not compile is left as it is.

The `.pyc` files are never checked against their sources (PEP 552), which cannot change in an image.
"""

import compileall
import py_compile
import sys
import warnings

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for folder in sys.argv[1:]:
        compileall.compile_dir(
            folder, maxlevels=50, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
        )

"""`python -m clipper_sls` is the command `clipper-sls`."""

from clipper_sls.cli.main import main

if __name__ == "__main__":
    main()

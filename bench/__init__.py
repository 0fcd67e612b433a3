"""Measurements of clipper-sls beside a plain FastAPI server on the same machine in the same minute."""

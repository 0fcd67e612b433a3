"""Measurements of clipper-sls beside other servers, on the same machine in the same minutes."""

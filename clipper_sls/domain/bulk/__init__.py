"""Scoring whole files: what a row of one is, what is asked at once, what is written, and where to go on. Pure."""

"""Prediction servers that people use instead, each in an environment of its own, tuned as its documentation advises."""

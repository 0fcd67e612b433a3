"""The demo: a real model goes to production, gets better, and comes back, on an engine of its own.

`python -m examples.demo` plays seven acts, each of which checks what it claims. It uses nothing but what a user has:
the `clipper-sls` command, the SDK and REST. Everything it makes lies in a temporary folder and is gone at the end.
"""

"""`python -m bench.images`: what images of models cost: to build, to store, to push, to start.

Needs a Docker engine, `docker-registry`, and a package index, from which the wheels of a scikit-learn model are fetched
once. Everything else is local, so that what is compared is what the builders do.
"""

"""Turns a user's function into a bundle: pickled, with what it needs found out, checked and written down.

Nothing is imported here, so that whoever needs one part does not pay for the others: `bundling` makes bundles,
`archive` streams one, `requirements` says what an environment must hold, `runtime_package` brings the runtime into it.
"""

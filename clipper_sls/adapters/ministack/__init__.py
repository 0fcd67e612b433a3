"""MiniStack, an AWS of one process, as a child of this one: starting it, asking it, deploying into it."""

"""AWS' data plane, spoken to by a lean client of our own. Needs no package beside the core."""

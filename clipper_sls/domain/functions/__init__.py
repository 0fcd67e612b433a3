"""A model version as a published function of AWS, and the names of everything in a stack."""

"""Functions of AWS Lambda: a model version as a published one, names of what a stack has, and what stands in for Lambda."""

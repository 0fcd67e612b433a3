"""Functions of AWS Lambda: published ones, the names of what a stack has, and what a stand-in for Lambda knows."""

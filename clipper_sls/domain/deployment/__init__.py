"""Model versions on AWS: what there must be, what is missing, and every name that we give."""

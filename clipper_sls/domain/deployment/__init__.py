"""Model versions on AWS: where one is, and every name that we give."""

"""Model versions that run elsewhere and are asked over HTTP."""

"""Images without Docker: layers as deterministic archives, the OCI image layout, and registries over HTTP."""

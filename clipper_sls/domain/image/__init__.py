"""What the container image of a model version is: its documents, its layers, its configuration. Pure.

Documents are those of the OCI image specification 1.1 (media types, descriptor, manifest, config); names of images are
those of the OCI distribution specification 1.1, with Docker's abbreviations.
"""

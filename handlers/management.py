"""AWS Lambda: registers, links, switches and scales."""

from clipper_sls.bootstrap.aws.management import management_handler

handler = management_handler()

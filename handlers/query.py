"""AWS Lambda: answers queries."""

from clipper_sls.bootstrap.aws.query import query_handler

handler = query_handler()

"""AWS Lambda: keeps the query function and the models warm."""

from clipper_sls.bootstrap.aws.warm_up import warm_up_handler

handler = warm_up_handler()

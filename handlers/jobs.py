"""AWS Lambda: does the jobs that wait in the queue."""

from clipper_sls.bootstrap.aws.jobs import jobs_handler

handler = jobs_handler()

"""Where feedback goes."""

import secrets

from clipper_sls.adapters.aws.dynamodb.feedback import DynamoFeedbackLog
from clipper_sls.bootstrap.aws.asking import table_of
from clipper_sls.bootstrap.aws.function import StackFunction
from clipper_sls.service.feedback import FeedbackService


def feedback_service(function: StackFunction) -> FeedbackService:
    log = DynamoFeedbackLog(
        table_of(function, function.names.selection_table),
        clock=function.clock,
        new_id=lambda: secrets.token_hex(8),
    )
    return FeedbackService(log=log, clock=function.clock)

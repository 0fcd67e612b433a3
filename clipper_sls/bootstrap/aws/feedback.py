"""Where feedback goes."""

from clipper_sls.adapters.local.memory_feedback import MemoryFeedbackLog
from clipper_sls.bootstrap.aws.function import StackFunction
from clipper_sls.service.feedback import FeedbackService


def feedback_service(function: StackFunction) -> FeedbackService:
    return FeedbackService(log=MemoryFeedbackLog(), clock=function.clock)

"""What front ends have counted, added to what the engine counts."""

from array import array

from clipper_sls.adapters.frontends.messages import Report
from clipper_sls.domain.identifiers import AppName, ModelId
from clipper_sls.ports.metrics import Metrics


def add_up(report: Report, metrics: Metrics) -> None:
    """As if all of it had happened here."""
    for name, answers in report.applications.items():
        application, latencies_s = AppName.sought(name), array("d", answers.latencies_s)
        reasons = [reason for reason, count in answers.reasons.items() for _ in range(count)]
        metrics.answered(application, latencies_s[0], answers.rows, reasons)
        for latency_s in latencies_s[1:]:
            metrics.answered(application, latency_s, 0, ())
    for (name, version), counts in report.models:
        model = ModelId.sought(name, version)
        metrics.cache_lookup(model, counts.hits, counts.misses)
        metrics.coalesced(model, counts.coalesced)
    caches = report.caches
    metrics.cache_evicted(caches.evicted)
    for _ in range(caches.failures):
        metrics.cache_failed()
    metrics.remote_cache_lookup(caches.remote_hits, caches.remote_misses)
    metrics.remote_cache_dropped(caches.remote_dropped)

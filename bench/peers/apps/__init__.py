"""What somebody would write to serve the workloads on each of them. Each runs in its own environment only."""

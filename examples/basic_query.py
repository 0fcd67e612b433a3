"""Clipper's first example (examples/basic_query/example_client.py), changed in two lines: its import and its manager.

Asks for the sums of 200 random numbers until Ctrl-C, or as many times as its argument says. Needs `requests`.
"""

import json
import signal
import sys
import time
from datetime import datetime

import numpy as np
import requests

from clipper_sls import ClipperConnection, LocalContainerManager
from clipper_sls.deployers import python as python_deployer


def predict(addr, x, batch=False):
    url = f"http://{addr}/simple-example/predict"

    req_json = json.dumps({"input_batch": x}) if batch else json.dumps({"input": list(x)})

    headers = {"Content-type": "application/json"}
    start = datetime.now()
    r = requests.post(url, headers=headers, data=req_json)
    end = datetime.now()
    latency = (end - start).total_seconds() * 1000.0
    print(f"'{r.text}', {latency:f} ms")


def feature_sum(xs):
    return [str(sum(x)) for x in xs]


# Stop Clipper on Ctrl-C
def signal_handler(signal, frame):
    print("Stopping Clipper...")
    clipper_conn = ClipperConnection(LocalContainerManager())
    clipper_conn.stop_all()
    sys.exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal_handler)
    clipper_conn = ClipperConnection(LocalContainerManager())
    clipper_conn.start_clipper()
    python_deployer.create_endpoint(clipper_conn, "simple-example", "doubles", feature_sum)

    # For batch inputs set this number > 1
    batch_size = 1
    queries = int(sys.argv[1]) if len(sys.argv) > 1 else sys.maxsize

    try:
        for _ in range(queries):
            if batch_size > 1:
                predict(
                    clipper_conn.get_query_addr(),
                    [list(np.random.random(200)) for i in range(batch_size)],
                    batch=True,
                )
            else:
                predict(clipper_conn.get_query_addr(), np.random.random(200))
            time.sleep(0.2)
    finally:
        clipper_conn.stop_all()

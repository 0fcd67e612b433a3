"""AWS as a prediction sees it: its API over few connections, signed here. What deploys uses boto3 and is elsewhere.

Needs nothing but the core: importing boto3 takes a quarter of a second of each cold start, and a call by it eight times
the time of one by this.
"""

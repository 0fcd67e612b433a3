"""AWS's endpoint on this machine: invocations are answered here, all else by the server behind it."""

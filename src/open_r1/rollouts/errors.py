"""What can go wrong with a rollout server."""


class ServerError(RuntimeError):
    """The server cannot be used and the run must stop; the message says why and what to do."""


class ServerLost(Exception):
    """The server died, hangs or fails: the request is lost, but a restarted server can answer it again."""

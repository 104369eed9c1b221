"""Where completions come from: a vLLM server beside the training processes, its life and its weights.

Nothing is imported here: the server's own process loads `token_guard` from this package and must stay free of TRL.
"""

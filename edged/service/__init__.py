"""One module per family of requests: each validates, asks the layers below, and yields replies."""

"""The doors in: how images come to be announced on Kafka. Every message leaves through `publish.py`."""

"""Stream workers: Kafka on one side, `pipeline` on the other. `acknowledge.py` is why nothing is lost."""

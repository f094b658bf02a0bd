"""Development servers for demos and tests: a Credly, a Kafka-protocol broker with a schema registry, a supervisor."""

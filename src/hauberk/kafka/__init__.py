"""Knative for Apache Kafka: channels, brokers, sources and sinks as controllers and contracts."""

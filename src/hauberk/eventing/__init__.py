"""Knative Eventing: brokers, triggers, channels, flows, sources and sinks as controllers and contracts."""

"""The roles that speak to Kafka: receivers produce, dispatchers consume, the controller asks for topics."""

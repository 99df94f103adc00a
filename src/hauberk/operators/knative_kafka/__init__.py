"""KnativeKafka: the components of Kafka for Knative, their ConfigMaps and Services."""

"""KnativeKafka: accepted, and its status says that nothing runs yet."""

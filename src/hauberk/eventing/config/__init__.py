"""What the ConfigMaps of knative-eventing say."""

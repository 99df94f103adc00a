"""What the ConfigMaps of knative-serving say, typed. Unknown keys are ignored, as upstream does."""

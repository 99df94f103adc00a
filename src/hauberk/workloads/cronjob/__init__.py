"""CronJob → Jobs, at their time."""

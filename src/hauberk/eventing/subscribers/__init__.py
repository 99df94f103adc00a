"""The subscribers in the specification of a channel, from the Subscriptions that name it."""

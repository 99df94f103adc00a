"""ResourceQuota and LimitRange: bounds of a namespace."""

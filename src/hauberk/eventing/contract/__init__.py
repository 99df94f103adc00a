"""What the processes of the data plane are told: one module a role, pure."""

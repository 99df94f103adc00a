"""ServiceMeshMember: a namespace that asks to join, and the roll that is made for the first one."""

"""Role-based access control: which user may do what.

`Authorizer` answers for every request, `escalation` keeps roles from giving what their author does not have,
`defaults` are the roles that every cluster begins with.
"""

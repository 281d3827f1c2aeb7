"""Resources as they are stored, of all kinds.

Everything here is a step inside one transaction of the store (`StateRead`, `StateWrite`) or pure; nothing waits, nothing knows gRPC. A step
may run twice (the store repeats a change whose neighbours failed), so it has no effect but on the state.

Each line imports from those above it:

    kinds, text, stamps                 what kinds there are; what a name may hold; who changed what, and when
    wrapping, contract_rules            resources of any kind on the wire; the rules in the contract itself
    lookup, paging, repeats             finding; page tokens; idempotency keys
    secret_values, rules                secret values on their way in and out; rules that the contract does not say
    listing_keys, history               the lists that a resource stands in; what it was before
    skill_versions, references          the versions of skills; whom a resource belongs to, and whom it names
    catalogue                           create, update and apply, the same for every kind
    workflow_tasks, workflow_status     what holds within a workflow; what a report makes of an execution's status
    agents, sessions, executions, workflows, workflow_executions, environments, skills, mcp_servers
                                        what is particular to a kind
    removal                             what goes with a resource, and what keeps it
    catalogues                          all of them together
    applying, builtin                   many at once; what is there from the first start
    listing, filters, pages             lists
    skill_archive                       a program of its own: what an archive must be
"""

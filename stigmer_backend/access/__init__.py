"""Who may call what.

A socket alone grants nothing: every call carries a token (`tokens`), which stands for a principal with one role (`principal`). What the
role may call stands in one table (`policy`); an RPC that is not in it is refused. The interceptor (`interceptors`) applies both before a
request is even read, checks each request against the contract's rules (`validation`) and answers errors in words and codes (`failures`).

Inside: `principal` and `errors` import nothing of this package; `tokens` and `policy` import `principal`; `interceptors` imports all.
A service asks `principal()` who calls.
"""

from stigmer_backend.access.errors import AccessError, TokensUnreadable
from stigmer_backend.access.interceptors import AccessInterceptor
from stigmer_backend.access.policy import POLICIES, Policy, policy_of
from stigmer_backend.access.principal import Principal, Role, principal
from stigmer_backend.access.tokens import Tokens

__all__ = [
    "POLICIES",
    "AccessError",
    "AccessInterceptor",
    "Policy",
    "Principal",
    "Role",
    "Tokens",
    "TokensUnreadable",
    "policy_of",
    "principal",
]

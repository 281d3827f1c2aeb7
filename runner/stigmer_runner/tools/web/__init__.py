"""The network, as far as a policy opens it: one resolution of a name, checked, and a connection to that very address.

- `addresses`: names to addresses, and which of them are nobody's business
- `page`: HTML as text, in a process of its own
- `fetch`: the tool
- `proxy`: the way out of commands that may reach some hosts
"""

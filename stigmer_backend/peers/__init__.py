"""Several daemons on one database that all serve: one leads, which is to write the database, and the others pass on to it what they are asked.

A daemon that does not lead admits its callers itself, and calls the leading one with a credential that says for whom (`credential`): it is made
with a key that stands in the database alone, and gives the rights of the caller, no others. Whoever leads is known from the database (`way`); the
passing on itself takes messages as bytes, both ways, whatever the method (`forwarding`). When another takes the lead, calls that are under way end
as `Unavailable`, as they do when a daemon is started anew, and clients and runners connect again.

Inside, each module may import those below it: `forwarding`, `way`, `credential`.
"""

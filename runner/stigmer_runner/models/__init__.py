"""Models: one call as a typed stream, whoever the provider is.

- `port`: what a call is, what streams back, how it fails. No library; what the rest of the runner imports.
- `config`, `choosing`, `prices`, `advice`, `scrubbing`, `surrogates`: pure, or a small file read.
- `http1`, `merging`, `wire`: the HTTP of one provider: its origin alone, its key, bounds, events merged by the read.
- `library`, `failures`: the only modules that know the model library. Seconds to import: `calling` does, on a thread.
- `calling`: `ProviderModels`, which implements the port with all of these.
- `scripted`: a provider that says what a script says; knows none of the above. `demo`: a script and a project for it.

Imports point up this list, `scripted` and `demo` aside.
"""

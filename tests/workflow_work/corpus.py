"""Twenty workflows with side effects, for those who kill what runs them.

A task that may not be done twice writes a line into `effects`, one that may into `again`; a POST to `SITE` counts as the first kind, a GET as the
second. None needs a person, and no output depends on what an effect gave.
"""

EFFECT = "run: {shell: {command: echo x >> effects}}"
AGAIN = "run: {shell: {command: echo x >> again}}, metadata: {idempotent: true}"

CORPUS: dict[str, str] = {
    "sequence": f"do: [{{a: {{{EFFECT}}}}}, {{b: {{{AGAIN}}}}}, {{c: {{{EFFECT}}}}}, {{d: {{set: {{done: 1}}}}}}]",
    "loop": f"do: [{{each: {{for: {{in: '${{ [1, 2, 3] }}'}}, do: [{{a: {{{EFFECT}}}}}]}}}}, {{d: {{set: {{done: 1}}}}}}]",
    "fork": f"do: [{{both: {{fork: {{branches: [{{a: {{{EFFECT}}}}}, {{b: {{{EFFECT}}}}}]}}}}}}, {{d: {{set: {{done: 1}}}}}}]",
    "race": f"""
do:
  - first:
      fork:
        compete: true
        branches:
          - near: {{do: [{{w: {{wait: {{milliseconds: 10}}}}}}, {{s: {{set: {{from: near}}}}}}]}}
          - far: {{do: [{{w: {{wait: PT30S}}}}, {{a: {{{EFFECT}}}}}]}}
  - tell: {{{EFFECT}}}
  - done: {{set: {{done: 1}}}}
""",
    "caught": f"""
do:
  - risky:
      try: [{{a: {{run: {{shell: {{command: echo x >> effects; exit 3}}}}}}}}]
      catch: {{do: [{{b: {{{EFFECT}}}}}]}}
  - done: {{set: {{done: 1}}}}
""",
    "retried": """
do:
  - risky:
      try: [{a: {run: {shell: {command: echo x >> effects; exit 3}}}}]
      catch: {retry: {delay: {milliseconds: 5}, limit: {attempt: {count: 2}}}, do: [{b: {set: {gave: up}}}]}
  - done: {set: {done: 1}}
""",
    "switch": f"""
do:
  - which: {{switch: [{{one: {{when: '${{ 1 == 2 }}', then: never}}}}, {{other: {{then: work}}}}]}}
  - never: {{{EFFECT}}}
  - work: {{{EFFECT}, then: done}}
  - passed: {{{EFFECT}}}
  - done: {{set: {{done: 1}}}}
""",
    "waits": f"do: [{{a: {{{EFFECT}}}}}, {{w: {{wait: {{milliseconds: 20}}}}}}, {{b: {{{EFFECT}}}}}, {{d: {{set: {{done: 1}}}}}}]",
    "nested": f"""
do:
  - both:
      fork:
        branches:
          - left: {{for: {{in: '${{ [1, 2] }}'}}, do: [{{a: {{{EFFECT}}}}}, {{b: {{{AGAIN}}}}}]}}
          - right: {{do: [{{c: {{do: [{{d: {{{EFFECT}}}}}]}}}}]}}
  - done: {{set: {{done: 1}}}}
""",
    "signalled": f"""
do:
  - before: {{{EFFECT}}}
  - hear: {{listen: {{to: {{one: {{with: {{id: go, type: signal}}}}}}}}}}
  - after: {{{EFFECT}}}
  - done: {{set: {{done: 1}}}}
""",
    "idempotent": f"do: [{{each: {{for: {{in: '${{ [1, 2, 3] }}'}}, do: [{{a: {{{AGAIN}}}}}]}}}}, {{d: {{set: {{done: 1}}}}}}]",
    "requests": """
do:
  - look: {call: http, with: {method: get, endpoint: SITE/a}}
  - buy: {call: http, with: {method: post, endpoint: SITE/b, body: {n: 1}}}
  - look_again: {call: http, with: {method: get, endpoint: SITE/c}}
  - done: {set: {done: 1}}
""",
    "context": f"""
do:
  - one: {{set: {{n: 1}}, export: {{as: '${{ . }}'}}}}
  - a: {{{EFFECT}}}
  - two: {{set: {{n: '${{ $context.n + 1 }}'}}, export: {{as: '${{ . }}'}}}}
  - b: {{{EFFECT}}}
  - done: {{set: {{done: '${{ $context.n }}'}}}}
""",
    "script": """
do:
  - a: {run: {script: {language: python, code: 'open("effects", "a").write("x\\n")'}}}
  - done: {set: {done: 1}}
""",
    "skips": f"""
do:
  - a: {{if: '${{ true }}', {EFFECT}}}
  - b: {{if: '${{ false }}', {EFFECT}}}
  - done: {{set: {{done: 1}}}}
""",
    "raised": f"""
do:
  - risky:
      try:
        - a: {{{EFFECT}}}
        - r: {{raise: {{error: {{type: https://example.com/e, status: 400}}}}}}
        - never: {{{EFFECT}}}
      catch: {{errors: {{with: {{status: 400}}}}, do: [{{b: {{{EFFECT}}}}}]}}
  - done: {{set: {{done: 1}}}}
""",
    "timed out": f"""
do:
  - slow:
      try: [{{w: {{wait: PT30S, timeout: {{after: {{milliseconds: 20}}}}}}}}]
      catch: {{do: [{{a: {{{EFFECT}}}}}]}}
  - done: {{set: {{done: 1}}}}
""",
    "counted": f"""
do:
  - begin: {{set: {{n: 0}}, export: {{as: '${{ . }}'}}}}
  - step: {{{EFFECT}}}
  - more: {{set: {{n: '${{ $context.n + 1 }}'}}, export: {{as: '${{ . }}'}}}}
  - again: {{switch: [{{yes: {{when: '${{ $context.n < 3 }}', then: step}}}}, {{no: {{then: done}}}}]}}
  - done: {{set: {{done: 1}}}}
""",
    "function": """
use: {functions: {buy: {call: http, with: {method: post, endpoint: SITE/b, body: {n: 1}}}}}
do:
  - first: {call: buy}
  - second: {call: buy}
  - done: {set: {done: 1}}
""",
    "long": f"""
do:
  - each: {{for: {{in: '${{ [range(120)] }}'}}, do: [{{s: {{set: {{n: '${{ $item }}'}}}}}}]}}
  - a: {{{EFFECT}}}
  - done: {{set: {{done: 1}}}}
""",
}

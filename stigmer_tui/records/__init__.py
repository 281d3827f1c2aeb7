"""Runs as documents and recordings, made from their events in order, an event at a time: what is held does not grow with the run.

`asciicast` writes what the terminals showed. `reading` turns events into `parts`, which `markdown`, `html` and `document_json` write out.
`pace` is for playing. Pure: nothing here knows a client, a terminal or a file. What a run said is text from elsewhere everywhere here.
"""

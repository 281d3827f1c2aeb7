"""What a browser is given: one page with a terminal, everything in it from this server."""

from string import Template

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Of every answer."""

_POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-$nonce'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self' data:;"
    " connect-src ws://$host; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_PAGE = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Stigmer</title>
<link rel="stylesheet" href="$path/static/css/xterm.css">
<style>
@font-face { font-family: "Roboto Mono"; src: url("$path/static/fonts/RobotoMono-VariableFont_wght.ttf"); }
html, body { margin: 0; height: 100%; background: #11151a; color: #c7cdd5; font: 16px "Roboto Mono", monospace; }
#terminal { position: absolute; inset: 0; }
#over { display: none; position: absolute; inset: 0; padding: 2em; z-index: 1; background: #11151a; }
body.-closed #over { display: block; }
</style>
<script nonce="$nonce">window.open = () => null;  // no link is made of what agents write</script>
<script src="$path/static/js/textual.js"></script>
</head>
<body>
<div id="over">The workstation was left, or its server stopped. What runs goes on. Reload the page to open it again.</div>
<div id="terminal" class="textual-terminal" data-session-websocket-url="ws://$host$path/ws" data-font-size="$font"></div>
</body>
</html>
""")

REFUSED = "This link was used already, or is none. Press enter where `stigmer tui --web` runs: it prints another one.\n"


def page(host: str, path: str, nonce: str, font: int) -> tuple[str, str]:
    """The page and its content security policy. `host`: as the browser named it, known to be ours. `font`: size in pixels."""
    values = {"host": host, "path": path, "nonce": nonce, "font": font}
    return _PAGE.substitute(values), Template(_POLICY).substitute(values)

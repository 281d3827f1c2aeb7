"""Why a cluster cannot be had, in words for a person: the library's are of its own parts."""

from stigmer_runner.temporal.library import RPCError, RPCStatusCode

_LONGEST = 300
_KNOWN = (
    ("Connection refused", "nobody listens there"),
    ("dns error", "its name is not known here"),
    ("InvalidContentType", "it speaks no TLS: set backend.local.temporal.tls to false, and name no certificates"),
    (
        "UnknownIssuer",
        "its certificate is of an authority that is not known here: name that in backend.local.temporal.tls_ca",
    ),
    ("NotValidForName", "its certificate is for another name: see backend.local.temporal.address"),
    ("Expired", "its certificate has run out: have it renewed, or look at the clocks of both machines"),
    ("NotValidYet", "its certificate is not good yet: look at the clocks of both machines"),
    ("InvalidCertificate", "its certificate is not good"),
    (
        "CertificateRequired",
        "it asks for a certificate of ours: name one in backend.local.temporal.tls_cert and .tls_key",
    ),
    ("get_system_info", "it does not answer as Temporal does; it may want TLS: backend.local.temporal.tls"),
)


def why_away(error: BaseException) -> str:
    """Why it cannot be reached, from the library's error at connecting."""
    said = " ".join(str(error).split())
    return next((words for mark, words in _KNOWN if mark in said), said[:_LONGEST])


def why_refused(error: RPCError) -> str:
    """Why it does not take a run."""
    if error.status is RPCStatusCode.UNIMPLEMENTED:
        return "what answers there is not Temporal, or a version of it that lacks what a run needs"
    if error.status in (RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED):
        said = error.message.rstrip(". ")
        return f"it does not let us in ({said}): see backend.local.temporal.api_key_file, .tls_cert and .tls_key"
    return error.message.rstrip(". ")

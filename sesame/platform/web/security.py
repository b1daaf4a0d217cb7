"""Security headers, the content policy, and which requests need no CSRF token."""

from flask import Flask, Response, g, request
from flask_wtf.csrf import CSRFProtect

from sesame.platform.web.hooks import Registry

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "worker-src": "'self'",
    "media-src": "'self' blob:",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


def _written(policy: dict[str, str]) -> str:
    return "; ".join(f"{name} {value}" for name, value in policy.items())


# Written once: every response carries one of the two.
_CONTENT_POLICY = _written(_POLICY)
_CAMERA_CONTENT_POLICY = _written(
    _POLICY | {"script-src": f"{_POLICY['script-src']} 'wasm-unsafe-eval'"}
)
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def allow_camera_and_wasm() -> None:
    """Let this response's page use the camera and run our own WebAssembly (the QR decoder)."""
    g.camera_page = True


def install(app: Flask) -> None:
    """Add the headers to every response."""

    @app.after_request
    def headers(response: Response) -> Response:
        camera = g.get("camera_page")
        given = response.headers
        given.setdefault(
            "Content-Security-Policy", _CAMERA_CONTENT_POLICY if camera else _CONTENT_POLICY
        )
        for name, value in _ALWAYS.items():
            given[name] = value
        given["Permissions-Policy"] = (
            f"camera={'(self)' if camera else '()'}, geolocation=(self), microphone=()"
        )
        if request.is_secure:
            response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        if not _is_static(request.endpoint) and "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        return response


def _is_static(endpoint: str | None) -> bool:
    """Tell whether a file of the shell's or of a feature's static folder was asked for."""
    return endpoint is not None and endpoint.rpartition(".")[2] == "static"


def exempt_signed_requests(csrf: CSRFProtect, registry: Registry) -> None:
    """Exempt the API blueprints whose requests are signed by a terminal, not by a cookie.

    A blueprint says so itself: `blueprint.signed_by_terminal = True`. All others, JSON included,
    carry the CSRF token in `X-CSRFToken`.
    """
    for blueprint in registry.apis:
        if getattr(blueprint, "signed_by_terminal", False):
            csrf.exempt(blueprint)

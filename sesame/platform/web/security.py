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


def allow_camera_and_wasm() -> None:
    """Let this response's page use the camera and run our own WebAssembly (the QR decoder)."""
    g.camera_page = True


def install(app: Flask) -> None:
    """Add the headers to every response."""

    @app.after_request
    def headers(response: Response) -> Response:
        policy = dict(_POLICY)
        camera = "()"
        if g.get("camera_page"):
            policy["script-src"] += " 'wasm-unsafe-eval'"
            camera = "(self)"
        response.headers.setdefault(
            "Content-Security-Policy",
            "; ".join(f"{name} {value}" for name, value in policy.items()),
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Permissions-Policy"] = (
            f"camera={camera}, geolocation=(self), microphone=()"
        )
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
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

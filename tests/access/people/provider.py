"""An OpenID provider as a process of its own, with real keys, and with switches that turn it bad.

Each first part of a path is an issuer. `python -m tests.access.people.provider PORT` runs it; what
an issuer does is set by POST /_set/{issuer}, and asked for by GET /_calls/{issuer}. It starts at
once: nothing of the product or of other tests is imported here.
"""

import base64
import hashlib
import hmac
import json
import secrets
import sys
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote_plus, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

CLIENT_ID, CLIENT_SECRET = "csapi:app", "canary secret/of +client"
WELL_KNOWN = "/.well-known/openid-configuration"
KEYS: dict[str, Any] = {
    "RS256": rsa.generate_private_key(65_537, 2_048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    "stranger": rsa.generate_private_key(65_537, 2_048),
}


def public_jwk(name: str) -> dict[str, Any]:
    algorithms = {"RS256": "RSAAlgorithm", "ES256": "ECAlgorithm", "EdDSA": "OKPAlgorithm"}
    kind = getattr(jwt.algorithms, algorithms.get(name, "RSAAlgorithm"))
    jwk: dict[str, Any] = json.loads(kind.to_jwk(KEYS[name].public_key()))
    jwk.pop("key_ops", None)
    return {**jwk, "kid": f"kid-{name}", "use": "sig"}


@dataclass
class Issuer:
    """What one issuer is like now. `claims`, `header` and `discovery` are laid over what is right;
    null takes away."""

    user: dict[str, Any] = field(default_factory=lambda: {"sub": "u1"})
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    discovery: dict[str, Any] = field(default_factory=dict)
    alg: str = "RS256"
    key: str = ""
    published: list[str] = field(default_factory=lambda: ["RS256", "ES256", "EdDSA"])
    jwks: Any = None
    token_status: int = 200
    token: Any = None
    padding: int = 0
    delay: float = 0.0
    status: int = 200
    slash: str = ""
    posts_secret: bool = False
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)


def laid_over(right: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**right, **changes}.items() if value is not None}


class Handler(BaseHTTPRequestHandler):
    server: "Server"

    def log_message(self, *_: Any) -> None:
        pass

    def answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def issuer(self, name: str) -> Issuer:
        return self.server.issuers.setdefault(name, Issuer())

    def url_of(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/{name}{self.issuer(name).slash}"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        name, _, rest = parts.path[1:].partition("/")
        if name == "_calls":
            return self.answer(200, self.issuer(rest).calls)
        issuer = self.issuer(name)
        issuer.calls[rest] = issuer.calls.get(rest, 0) + 1
        time.sleep(issuer.delay)
        if rest == "authorize":
            return self.authorize(name, issuer, dict(parse_qsl(parts.query)))
        if issuer.status != 200:
            elsewhere = f"{self.url_of('elsewhere')}{parts.path.removeprefix('/' + name)}"
            return self.answer(issuer.status, {}, {"Location": elsewhere})
        if f"/{rest}" == WELL_KNOWN:
            return self.answer(200, self.discovery(name, issuer))
        if rest == "jwks":
            right = {"keys": [public_jwk(each) for each in issuer.published]}
            return self.answer(200, right if issuer.jwks is None else issuer.jwks)
        return self.answer(404, {})

    def discovery(self, name: str, issuer: Issuer) -> Any:
        base = self.url_of(name).rstrip("/")
        method = "client_secret_post" if issuer.posts_secret else "client_secret_basic"
        right = {
            "issuer": self.url_of(name),
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
            "jwks_uri": f"{base}/jwks",
            "token_endpoint_auth_methods_supported": [method],
            "padding": "x" * issuer.padding,
        }
        return laid_over(right, issuer.discovery)

    def authorize(self, name: str, issuer: Issuer, asked: dict[str, str]) -> None:
        """Somebody signs in and agrees, whoever the issuer's user is."""
        assert asked["response_type"] == "code", asked
        assert (asked["client_id"], asked["scope"]) == (CLIENT_ID, "openid email")
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        issuer.codes[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.url_of(name)}
        self.answer(302, {}, {"Location": f"{asked['redirect_uri']}?{urlencode(back)}"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        name, _, rest = self.path[1:].partition("/")
        if name == "_set":
            for key, value in json.loads(body).items():
                setattr(self.issuer(rest), key, value)
            return self.answer(200, {})
        issuer = self.issuer(name)
        issuer.calls[rest] = issuer.calls.get(rest, 0) + 1
        form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        if issuer.token_status != 200:
            return self.answer(issuer.token_status, {"error": "server_error"})
        if not self.is_client(issuer, form):
            return self.answer(401, {"error": "invalid_client"})
        asked = issuer.codes.pop(form["code"], None)
        if asked is None or not self.is_asked(asked, form):
            return self.answer(400, {"error": "invalid_grant"})
        return self.answer(200, self.tokens(name, issuer, asked))

    def is_client(self, issuer: Issuer, form: dict[str, str]) -> bool:
        if issuer.posts_secret:
            pair = (form.get("client_id"), form.get("client_secret"))
            return pair == (CLIENT_ID, CLIENT_SECRET)
        kind, _, text = self.headers.get("Authorization", "").partition(" ")
        user, _, password = base64.b64decode(text).decode().partition(":")
        pair = unquote_plus(user), unquote_plus(password)
        return kind == "Basic" and pair == (CLIENT_ID, CLIENT_SECRET)

    def is_asked(self, asked: dict[str, str], form: dict[str, str]) -> bool:
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        return (
            hmac.compare_digest(challenge, asked["code_challenge"])
            and form["grant_type"] == "authorization_code"
            and form["redirect_uri"] == asked["redirect_uri"]
        )

    def tokens(self, name: str, issuer: Issuer, asked: dict[str, str]) -> dict[str, Any]:
        at = int(time.time())
        claims = {
            "iss": self.url_of(name), "aud": CLIENT_ID, "iat": at, "exp": at + 300,
            "nonce": asked["nonce"], **issuer.user,
        }  # fmt: skip
        changes = {
            key: at + value["now"] if isinstance(value, dict) else value
            for key, value in issuer.claims.items()
        }
        told = laid_over(claims, changes)
        token = issuer.token or self.signed(issuer, told)
        return {"token_type": "Bearer", "access_token": "canary-access", "id_token": token}

    def signed(self, issuer: Issuer, claims: dict[str, Any]) -> str:
        key: Any = KEYS.get(issuer.key or issuer.alg)
        if issuer.alg == "none":
            key = None
        if issuer.alg == "HS256":
            # The public key as a shared secret: what a reader that believes `alg` would take.
            key = KEYS["RS256"].public_key().public_numbers().n.to_bytes(256, "big")
        header = laid_over({"kid": f"kid-{issuer.key or issuer.alg}"}, issuer.header)
        return jwt.encode(claims, key, algorithm=issuer.alg, headers=header)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.issuers: dict[str, Issuer] = {}


if __name__ == "__main__":
    Server(int(sys.argv[1])).serve_forever()

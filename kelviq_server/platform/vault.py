"""The instance secret: seals what must be read back later, and proves that all processes share it."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12


class Vault:
    """Seals and opens small secrets with AES-256-GCM under a key derived from the instance secret."""

    def __init__(self, secret: str) -> None:
        self._key = HKDF(SHA256(), 32, None, b"kelviq-server seal v1").derive(secret.encode())

    def seal(self, plain: str, purpose: str) -> bytes:
        """Return the encrypted text, bound to its purpose: what was sealed for one cannot be opened as another."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self._key).encrypt(nonce, plain.encode(), purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> str:
        """Return the plain text; raises ValueError when it was sealed with another secret or purpose."""
        try:
            plain = AESGCM(self._key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], purpose.encode())
        except InvalidTag:
            raise ValueError("sealed with another secret or for another purpose") from None
        return plain.decode()

    def proof(self) -> bytes:
        """Return what shows that another process has the same secret, without telling it."""
        return hmac.digest(self._key, b"kelviq-server proof v1", hashlib.sha256)


_vault: Vault | None = None


def use_vault(vault: Vault) -> None:
    """Make this the vault of the process."""
    global _vault
    _vault = vault


def current_vault() -> Vault:
    """Return the vault of the process."""
    if _vault is None:
        raise RuntimeError("the instance secret is not set")
    return _vault


def secret_of(configured: str | None, data_dir: Path) -> str:
    """Return the instance secret: the configured one, else the data directory's, made when missing."""
    if configured:
        return configured
    path = data_dir / "secret"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        data_dir.mkdir(parents=True, exist_ok=True)
        write_private(path, secrets.token_urlsafe(48))
        return path.read_text().strip()


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all, and on disk when this returns."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)

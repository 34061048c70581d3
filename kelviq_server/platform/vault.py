"""The instance secret: seals what must be read back later, and proves that all processes share it."""

import hashlib
import hmac
import os
import secrets
import tempfile
from contextlib import suppress
from itertools import count
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

    def derive(self, purpose: str) -> bytes:
        """Return 32 secret bytes that every process of the instance has, others for each purpose."""
        return HKDF(SHA256(), 32, None, f"kelviq-server derive v1 {purpose}".encode()).derive(self._key)

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
    with suppress(FileNotFoundError):
        return path.read_text().strip()
    data_dir.mkdir(parents=True, exist_ok=True)
    unfinished = _write_unfinished(path, secrets.token_urlsafe(48))
    # Of processes that start together the first one makes it; the others take what it made.
    with suppress(FileExistsError):
        os.link(unfinished, path)
    unfinished.unlink()
    sync_directory(data_dir)
    return path.read_text().strip()


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all, and on disk when this returns."""
    _write_unfinished(path, text).replace(path)
    sync_directory(path.parent)


def keep_earlier(path: Path) -> Path | None:
    """Give the file that stands at path a second name, with the next free number, and return that; None without one."""
    if not path.exists():
        return None
    for number in count(1):
        kept = path.with_name(f"{path.name}.{number}")
        with suppress(FileExistsError):
            os.link(path, kept)
            kept.chmod(0o600)
            return kept


def _write_unfinished(path: Path, text: str) -> Path:
    """Write a private file beside path and return it."""
    descriptor, unfinished = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return Path(unfinished)


def sync_directory(directory: Path) -> None:
    """Bring the names of the files to disk, too."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

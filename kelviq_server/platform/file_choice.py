"""Which file store the settings choose: S3 where a bucket is named, else the built-in one."""

from kelviq_server.platform.file_store import FileStore
from kelviq_server.platform.local_files import LocalFiles
from kelviq_server.platform.s3_files import Bucket, S3Files
from kelviq_server.platform.s3_signing import Credentials
from kelviq_server.platform.settings import Settings
from kelviq_server.platform.vault import current_vault


def chosen_file_store(settings: Settings) -> FileStore:
    """Return the file store of an instance with these settings; the vault is open already."""
    if settings.s3_bucket is None:
        return LocalFiles(settings.data_dir / "media", current_vault().derive("local file store"))
    # The settings see to it that the keys are there.
    assert settings.s3_access_key_id is not None
    assert settings.s3_secret_access_key is not None
    secret = settings.s3_secret_access_key.get_secret_value()
    return S3Files(
        Bucket(settings.s3_bucket, settings.s3_region, settings.s3_endpoint),
        Credentials(settings.s3_access_key_id, secret, settings.s3_region),
    )

-- Files that merchants upload: announced, posted to the file store, attached to something once, or swept up.

CREATE TABLE media_files (
  tenant_id     integer NOT NULL REFERENCES environments,
  -- Also alone: a public file is found by its address, which names no tenant.
  id            uuid NOT NULL UNIQUE,
  upload_key    text NOT NULL UNIQUE,
  file_key      text NOT NULL UNIQUE,
  file_name     text NOT NULL,
  content_type  text NOT NULL,
  size_bytes    bigint CHECK ((size_bytes IS NULL) = (attached_at IS NULL)),
  is_public     boolean NOT NULL DEFAULT false,
  created_at    timestamptz NOT NULL,
  attached_at   timestamptz,
  released_at   timestamptz CHECK (released_at IS NULL OR attached_at IS NOT NULL),
  -- Machine time: from then on nobody attaches it, and its objects are being deleted.
  swept_at      timestamptz CHECK (swept_at IS NULL OR attached_at IS NULL OR released_at IS NOT NULL),
  -- Machine time at which the sweep looks at it next; NULL when nothing is left to sweep.
  due_at        timestamptz,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX media_files_due ON media_files (due_at) WHERE due_at IS NOT NULL;

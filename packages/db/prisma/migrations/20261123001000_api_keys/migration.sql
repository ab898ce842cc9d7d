-- Keys to the API. The secret is not here: only its hash, which is of 256 random bits and so cannot be guessed from it.

CREATE TABLE "api_keys" (
    "prefix" VARCHAR(8) NOT NULL,
    "secret_sha256" BYTEA NOT NULL,
    "subject" VARCHAR(50) NOT NULL,
    "role" VARCHAR(20) NOT NULL,
    "label" VARCHAR(100) NOT NULL DEFAULT '',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "api_keys_pkey" PRIMARY KEY ("prefix"),
    CONSTRAINT "api_keys_prefix_check" CHECK ("prefix" ~ '^[0-9a-f]{8}$'),
    CONSTRAINT "api_keys_secret_sha256_check" CHECK (octet_length("secret_sha256") = 32),
    CONSTRAINT "api_keys_subject_check" CHECK ("subject" <> '' AND "subject" = btrim("subject")),
    CONSTRAINT "api_keys_role_check" CHECK ("role" IN ('owner', 'auditor', 'operator')),
    CONSTRAINT "api_keys_expires_after_created_check" CHECK ("expires_at" > "created_at")
);

-- What a key may do was decided when it was made, and what was revoked stays so: for every writer.
CREATE FUNCTION "api_keys_guard"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.revoked_at IS NOT NULL
        OR ROW(NEW.prefix, NEW.secret_sha256, NEW.subject, NEW.role, NEW.label, NEW.created_at, NEW.expires_at)
            IS DISTINCT FROM ROW(OLD.prefix, OLD.secret_sha256, OLD.subject, OLD.role, OLD.label, OLD.created_at, OLD.expires_at) THEN
        RAISE EXCEPTION 'of an API key only the revocation can be written, once'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'api_keys_immutable', TABLE = 'api_keys';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER "api_keys_guard" BEFORE UPDATE ON "api_keys"
    FOR EACH ROW EXECUTE FUNCTION "api_keys_guard"();

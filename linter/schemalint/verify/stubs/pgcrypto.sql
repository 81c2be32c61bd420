CREATE FUNCTION gen_random_bytes(count integer) RETURNS bytea LANGUAGE sql VOLATILE STRICT AS $$
  SELECT pg_catalog.substr(pg_catalog.decode(pg_catalog.string_agg(pg_catalog.replace(pg_catalog.gen_random_uuid()::pg_catalog.text, '-', ''), ''), 'hex'), 1, count)
  FROM pg_catalog.generate_series(0, count / 16) $$;
CREATE FUNCTION digest(data bytea, type text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT CASE pg_catalog.lower(type) WHEN 'md5' THEN pg_catalog.decode(pg_catalog.md5(data), 'hex') WHEN 'sha224' THEN pg_catalog.sha224(data)
    WHEN 'sha384' THEN pg_catalog.sha384(data) WHEN 'sha512' THEN pg_catalog.sha512(data) ELSE pg_catalog.sha256(data) END $$;
CREATE FUNCTION digest(data text, type text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT CASE pg_catalog.lower(type) WHEN 'md5' THEN pg_catalog.decode(pg_catalog.md5(data), 'hex')
    WHEN 'sha512' THEN pg_catalog.sha512(pg_catalog.convert_to(data, 'UTF8')) ELSE pg_catalog.sha256(pg_catalog.convert_to(data, 'UTF8')) END $$;
CREATE FUNCTION hmac(data text, key text, type text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS
  $$ SELECT pg_catalog.sha256(pg_catalog.convert_to(key OPERATOR(pg_catalog.||) data, 'UTF8')) $$;
CREATE FUNCTION hmac(data bytea, key bytea, type text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS
  $$ SELECT pg_catalog.sha256(key OPERATOR(pg_catalog.||) data) $$;
CREATE FUNCTION gen_salt(type text) RETURNS text LANGUAGE sql VOLATILE STRICT AS
  $$ SELECT '$' OPERATOR(pg_catalog.||) pg_catalog.md5(pg_catalog.gen_random_uuid()::pg_catalog.text) $$;
CREATE FUNCTION gen_salt(type text, rounds integer) RETURNS text LANGUAGE sql VOLATILE STRICT AS
  $$ SELECT '$' OPERATOR(pg_catalog.||) pg_catalog.md5(pg_catalog.gen_random_uuid()::pg_catalog.text) $$;
CREATE FUNCTION crypt(password text, salt text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS
  $$ SELECT pg_catalog.left(salt, 33) OPERATOR(pg_catalog.||) pg_catalog.md5(pg_catalog.left(salt, 33) OPERATOR(pg_catalog.||) password) $$;

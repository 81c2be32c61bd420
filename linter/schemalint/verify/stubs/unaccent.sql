CREATE FUNCTION unaccent(value text) RETURNS text LANGUAGE sql STABLE STRICT AS $$ SELECT value $$;

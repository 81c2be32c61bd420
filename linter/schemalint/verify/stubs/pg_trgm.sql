CREATE FUNCTION similarity(first text, second text) RETURNS real LANGUAGE sql IMMUTABLE STRICT AS
  $$ SELECT CASE WHEN first OPERATOR(pg_catalog.=) second THEN 1 ELSE 0 END::real $$;
CREATE FUNCTION word_similarity(first text, second text) RETURNS real LANGUAGE sql IMMUTABLE STRICT AS
  $$ SELECT CASE WHEN first OPERATOR(pg_catalog.=) second THEN 1 ELSE 0 END::real $$;

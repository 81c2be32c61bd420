# ruff: noqa: E501 (SQL)
"""What a real server has in pg_catalog, in the words of tests/catalog_snapshots.py.

Said of the role that asks: what it owns has no owner, and what an owner may do to its own is no grant.
"""

from __future__ import annotations

from typing import Any

from tests.postgres import Connection

Snapshot = dict[str, Any]
USER_SCHEMA = "n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname NOT LIKE 'pg\\_%temp\\_%'"
NOT_FROM_EXTENSION = "NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.objid = {oid} AND e.deptype = 'e')"
GRANTS = """
    SELECT {name}, array_agg(ARRAY[CASE g.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(g.grantee) END,
            lower(g.privilege_type), {column}, g.is_grantable::text])
    FROM {source}, aclexplode({acl}) g WHERE {where} AND g.grantee <> {owner} GROUP BY 1"""
OWNER = "nullif(pg_get_userbyid({}), session_user)"
NO_RANGE = """NOT EXISTS (SELECT FROM pg_depend d JOIN pg_type t ON t.oid = d.refobjid
    WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'i')"""
SIGNATURE = "n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')'"
RELATIONS = "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
FUNCTIONS = "pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"

SERVER = {
    "relation": f"""
        SELECT n.nspname || '.' || c.relname, c.relkind::text, c.relrowsecurity, c.relforcerowsecurity, c.relpersistence::text,
               c.relreplident::text, (SELECT pn.nspname || '.' || p.relname FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent
                JOIN pg_namespace pn ON pn.oid = p.relnamespace WHERE i.inhrelid = c.oid ORDER BY i.inhseqno LIMIT 1)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {USER_SCHEMA} AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'c', 'f') AND {NOT_FROM_EXTENSION.format(oid="c.oid")}""",
    "columns": f"""
        SELECT n.nspname || '.' || c.relname, array_agg(ARRAY[a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull::text,
                (d.oid IS NOT NULL)::text, a.attidentity::text, a.attgenerated::text] ORDER BY a.attnum)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE {USER_SCHEMA} AND c.relkind IN ('r', 'p', 'v', 'm', 'c', 'f') AND {NOT_FROM_EXTENSION.format(oid="c.oid")} GROUP BY 1""",
    "constraint": f"""
        SELECT n.nspname || '.' || c.relname || ' ' || k.conname, k.contype::text,
               coalesce((SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
                WHERE a.attrelid = c.oid AND a.attnum = ANY (k.conkey)), '{{}}'),
               k.convalidated, k.condeferrable, k.condeferred, k.conenforced, k.connoinherit AND k.contype IN ('c', 'n'),
               (SELECT tn.nspname || '.' || t.relname FROM pg_class t JOIN pg_namespace tn ON tn.oid = t.relnamespace
                WHERE t.oid = k.confrelid),
               coalesce((SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
                WHERE a.attrelid = k.confrelid AND a.attnum = ANY (k.confkey)), '{{}}'),
               nullif(k.confdeltype::text, ' '), nullif(k.confupdtype::text, ' ')
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {USER_SCHEMA} AND k.contype <> 't' AND (k.contype <> 'f' OR k.conparentid = 0 OR k.conrelid <>
              (SELECT conrelid FROM pg_constraint WHERE oid = k.conparentid))""",
    "index": f"""
        SELECT n.nspname || '.' || i.relname, c.relname::text, x.indisunique, x.indisprimary, x.indnullsnotdistinct, x.indpred IS NOT NULL,
               (SELECT array_agg(coalesce(a.attname::text, '') ORDER BY k.place) FROM unnest(x.indkey::int2[]) WITH ORDINALITY k (n, place)
                LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.n AND k.n > 0), am.amname::text
        FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid JOIN pg_am am ON am.oid = i.relam
        JOIN pg_namespace n ON n.oid = i.relnamespace WHERE {USER_SCHEMA}""",
    "trigger": f"""
        SELECT n.nspname || '.' || c.relname || ' ' || t.tgname, t.tgtype::int, t.tgenabled::text, p.proname::text,
               coalesce((SELECT array_agg(a.attname::text ORDER BY k.place) FROM unnest(t.tgattr::int2[]) WITH ORDINALITY k (n, place)
                JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.n), '{{}}'),
               t.tgqual IS NOT NULL, t.tgconstraint <> 0, t.tgdeferrable, t.tginitdeferred, t.tgnargs::int, t.tgoldtable::text, t.tgnewtable::text
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_proc p ON p.oid = t.tgfoid WHERE {USER_SCHEMA} AND NOT t.tgisinternal""",
    "function": f"""
        SELECT n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', l.lanname::text,
               p.prosecdef, p.provolatile::text, p.proisstrict, p.prokind::text, p.proretset, format_type(p.prorettype, NULL),
               coalesce(p.proconfig::text[], '{{}}')
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
        WHERE {USER_SCHEMA} AND {NOT_FROM_EXTENSION.format(oid="p.oid")} AND NOT EXISTS (SELECT FROM pg_depend d JOIN pg_type t
              ON t.oid = d.refobjid WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'i')""",
    "enum": f"""
        SELECT n.nspname || '.' || t.typname, (SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid)
        FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE {USER_SCHEMA} AND t.typtype = 'e'""",
    "domain": f"""
        SELECT n.nspname || '.' || t.typname, format_type(t.typbasetype, t.typtypmod), t.typnotnull, t.typdefault IS NOT NULL,
               coalesce((SELECT array_agg(k.conname::text ORDER BY k.conname) FROM pg_constraint k WHERE k.contypid = t.oid
                AND k.contype = 'c'), '{{}}')
        FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE {USER_SCHEMA} AND t.typtype = 'd'""",
    "policy": f"""
        SELECT n.nspname || '.' || c.relname || ' ' || p.polname, p.polcmd::text, p.polpermissive, p.polqual IS NOT NULL,
               p.polwithcheck IS NOT NULL
        FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {USER_SCHEMA}""",
    "sequence": f"""
        SELECT n.nspname || '.' || c.relname, format_type(s.seqtypid, NULL), d.deptype::text,
               (SELECT r.relname || '.' || a.attname FROM pg_class r JOIN pg_attribute a ON a.attrelid = r.oid
                WHERE r.oid = d.refobjid AND a.attnum = d.refobjsubid)
        FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_depend d ON d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
          AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
        WHERE {USER_SCHEMA}""",
    # -- who owns what, and who may do what
    "owner of relation": f"""
        SELECT n.nspname || '.' || c.relname, {OWNER.format("c.relowner")} FROM {RELATIONS}
        WHERE {USER_SCHEMA} AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'c', 'f') AND {NOT_FROM_EXTENSION.format(oid="c.oid")}""",
    "owner of function": f"""
        SELECT {SIGNATURE}, {OWNER.format("p.proowner")} FROM {FUNCTIONS}
        WHERE {USER_SCHEMA} AND {NOT_FROM_EXTENSION.format(oid="p.oid")} AND {NO_RANGE}""",
    "owner of type": f"""
        SELECT n.nspname || '.' || t.typname, {OWNER.format("t.typowner")} FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
        WHERE {USER_SCHEMA} AND t.typtype IN ('e', 'd', 'r') AND {NOT_FROM_EXTENSION.format(oid="t.oid")}""",
    "owner of schema": f"""
        SELECT n.nspname, {OWNER.format("n.nspowner")} FROM pg_namespace n
        WHERE {USER_SCHEMA} AND n.nspname <> 'public' AND {NOT_FROM_EXTENSION.format(oid="n.oid")}""",
    "grants on relation": GRANTS.format(
        name="n.nspname || '.' || c.relname",
        column="''",
        source=RELATIONS,
        acl="c.relacl",
        owner="c.relowner",
        where=f"{USER_SCHEMA} AND {NOT_FROM_EXTENSION.format(oid='c.oid')}",
    ),
    "grants on columns": GRANTS.format(
        name="n.nspname || '.' || c.relname",
        column="a.attname",
        source=f"{RELATIONS} JOIN pg_attribute a ON a.attrelid = c.oid",
        acl="a.attacl",
        owner="c.relowner",
        where=f"{USER_SCHEMA} AND NOT a.attisdropped",
    ),
    "grants on function": GRANTS.format(
        name=SIGNATURE,
        column="''",
        source=FUNCTIONS,
        acl="coalesce(p.proacl, acldefault('f', p.proowner))",
        owner="p.proowner",
        where=f"{USER_SCHEMA} AND {NOT_FROM_EXTENSION.format(oid='p.oid')} AND {NO_RANGE}",
    ),
    "grants on schema": GRANTS.format(
        name="n.nspname",
        column="''",
        source="pg_namespace n",
        acl="n.nspacl",
        owner="n.nspowner",
        where=f"{USER_SCHEMA} AND n.nspname <> 'public'",
    ),
    # -- replication
    "publication": """
        SELECT p.pubname, p.puballtables, ARRAY[p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate], p.pubviaroot,
               coalesce((SELECT array_agg(n.nspname::text ORDER BY n.nspname) FROM pg_publication_namespace s
                JOIN pg_namespace n ON n.oid = s.pnnspid WHERE s.pnpubid = p.oid), '{}')
        FROM pg_publication p""",
    "published": """
        SELECT p.pubname || ' ' || n.nspname || '.' || c.relname, coalesce((SELECT array_agg(a.attname::text ORDER BY a.attname)
                FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (r.prattrs)), '{}'), r.prqual IS NOT NULL
        FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid JOIN pg_class c ON c.oid = r.prrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace""",
    "replica identity": f"""
        SELECT n.nspname || '.' || c.relname, i.relname::text FROM {RELATIONS} JOIN pg_index x ON x.indrelid = c.oid AND x.indisreplident
        JOIN pg_class i ON i.oid = x.indexrelid WHERE {USER_SCHEMA} AND c.relreplident = 'i'""",
    # -- what is in them
    "collations": f"""
        SELECT n.nspname || '.' || c.relname, array_agg(ARRAY[a.attname, l.collname] ORDER BY a.attnum)
        FROM {RELATIONS} JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        JOIN pg_type t ON t.oid = a.atttypid JOIN pg_collation l ON l.oid = a.attcollation AND a.attcollation <> t.typcollation
        WHERE {USER_SCHEMA} AND c.relkind IN ('r', 'p', 'f', 'c') GROUP BY 1""",
    "inherited": f"""
        SELECT n.nspname || '.' || c.relname, array_agg(a.attname::text ORDER BY a.attname)
        FROM {RELATIONS} JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND NOT a.attislocal
        WHERE {USER_SCHEMA} AND c.relkind IN ('r', 'p', 'f') GROUP BY 1""",
    "inherited constraints": f"""
        SELECT n.nspname || '.' || c.relname, array_agg(k.conname::text ORDER BY k.conname)
        FROM {RELATIONS} JOIN pg_constraint k ON k.conrelid = c.oid AND NOT k.conislocal AND (k.contype <> 'f' OR k.conparentid = 0
             OR k.conrelid <> (SELECT conrelid FROM pg_constraint WHERE oid = k.conparentid))
        WHERE {USER_SCHEMA} GROUP BY 1""",
    "key": f"""
        SELECT n.nspname || '.' || c.relname || ' ' || k.conname, (SELECT i.relname::text FROM pg_class i WHERE i.oid = k.conindid),
               coalesce((SELECT array_agg(a.attname::text ORDER BY u.place) FROM unnest(k.conkey) WITH ORDINALITY u (number, place)
                JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.number), '{{}}'),
               coalesce((SELECT array_agg(a.attname::text ORDER BY u.place) FROM unnest(k.confkey) WITH ORDINALITY u (number, place)
                JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number), '{{}}'),
               coalesce((SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
                WHERE a.attrelid = c.oid AND a.attnum = ANY (k.confdelsetcols)), '{{}}'), k.confmatchtype = 'f'
        FROM pg_constraint k JOIN {RELATIONS} ON c.oid = k.conrelid
        WHERE {USER_SCHEMA} AND k.contype IN ('p', 'u', 'f', 'x') AND (k.contype <> 'f' OR k.conparentid = 0 OR k.conrelid <>
              (SELECT conrelid FROM pg_constraint WHERE oid = k.conparentid))""",
    "ordering": f"""
        SELECT n.nspname || '.' || i.relname, x.indisvalid, x.indimmediate, x.indnkeyatts::int,
               ARRAY(SELECT o.option::int FROM unnest(x.indoption::int2[]) WITH ORDINALITY o (option, place) ORDER BY o.place)
        FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_namespace n ON n.oid = i.relnamespace WHERE {USER_SCHEMA}""",
    "trigger's arguments": f"""
        SELECT n.nspname || '.' || c.relname || ' ' || t.tgname, encode(t.tgargs, 'escape'), t.tgparentid <> 0,
               (SELECT fn.nspname::text FROM pg_proc p JOIN pg_namespace fn ON fn.oid = p.pronamespace WHERE p.oid = t.tgfoid)
        FROM pg_trigger t JOIN {RELATIONS} ON c.oid = t.tgrelid WHERE {USER_SCHEMA} AND NOT t.tgisinternal""",
    "policy's roles": f"""
        SELECT n.nspname || '.' || c.relname || ' ' || p.polname, (SELECT array_agg(name ORDER BY name)
                FROM (SELECT CASE role WHEN 0 THEN 'public' ELSE pg_get_userbyid(role)::text END FROM unnest(p.polroles) role) r (name))
        FROM pg_policy p JOIN {RELATIONS} ON c.oid = p.polrelid WHERE {USER_SCHEMA}""",
    "rule": f"""
        SELECT n.nspname || '.' || c.relname || ' ' || r.rulename, r.ev_type::text, r.is_instead, r.ev_enabled::text
        FROM pg_rewrite r JOIN {RELATIONS} ON c.oid = r.ev_class WHERE {USER_SCHEMA} AND r.rulename <> '_RETURN'""",
    "sequence's numbers": f"""
        SELECT n.nspname || '.' || c.relname, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcycle, s.seqcache
        FROM pg_sequence s JOIN {RELATIONS} ON c.oid = s.seqrelid WHERE {USER_SCHEMA}""",
    "view's options": f"""
        SELECT n.nspname || '.' || c.relname, coalesce(c.reloptions::text[] @> '{{security_invoker=true}}', false)
               OR coalesce(c.reloptions::text[] @> '{{security_invoker=on}}', false),
               coalesce((SELECT option_value FROM pg_options_to_table(c.reloptions) WHERE option_name = 'check_option'), '')
        FROM {RELATIONS} WHERE {USER_SCHEMA} AND c.relkind = 'v' AND {NOT_FROM_EXTENSION.format(oid="c.oid")}""",
    "view reads": f"""
        SELECT n.nspname || '.' || c.relname, coalesce((SELECT array_agg(DISTINCT rn.nspname || '.' || rc.relname ORDER BY rn.nspname || '.' || rc.relname)
                FROM pg_depend d JOIN pg_rewrite w ON w.oid = d.objid AND w.ev_class = c.oid JOIN pg_class rc ON rc.oid = d.refobjid
                JOIN pg_namespace rn ON rn.oid = rc.relnamespace WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
                 AND rc.oid <> c.oid AND rc.relkind <> 'c' AND w.rulename = '_RETURN' AND rn.nspname NOT IN ('pg_catalog', 'information_schema')), '{{}}')
        FROM {RELATIONS} WHERE {USER_SCHEMA} AND c.relkind IN ('v', 'm') AND {NOT_FROM_EXTENSION.format(oid="c.oid")}""",
    "arguments": f"""
        SELECT {SIGNATURE}, coalesce(p.proargmodes::text[], array_fill('i'::text, ARRAY[cardinality(p.proargtypes::oid[])])),
               ARRAY(SELECT format_type(each.type, NULL) FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]))
                WITH ORDINALITY each (type, place) ORDER BY each.place),
               coalesce(p.proargnames, '{{}}'), p.pronargdefaults::int
        FROM {FUNCTIONS} WHERE {USER_SCHEMA} AND {NOT_FROM_EXTENSION.format(oid="p.oid")} AND {NO_RANGE} AND p.prokind <> 'a'""",
    "body": f"""
        SELECT {SIGNATURE}, p.prosrc FROM {FUNCTIONS} WHERE {USER_SCHEMA} AND {NOT_FROM_EXTENSION.format(oid="p.oid")}
          AND {NO_RANGE} AND p.prokind <> 'a' AND p.prosqlbody IS NULL""",
    "range": f"""
        SELECT n.nspname || '.' || t.typname, format_type(r.rngsubtype, NULL) FROM pg_range r JOIN pg_type t ON t.oid = r.rngtypid
        JOIN pg_namespace n ON n.oid = t.typnamespace WHERE {USER_SCHEMA} AND {NOT_FROM_EXTENSION.format(oid="t.oid")}""",
    "domain's check": f"""
        SELECT n.nspname || '.' || t.typname || ' ' || k.conname, k.convalidated FROM pg_constraint k JOIN pg_type t ON t.oid = k.contypid
        JOIN pg_namespace n ON n.oid = t.typnamespace
        WHERE {USER_SCHEMA} AND k.contype = 'c' AND {NOT_FROM_EXTENSION.format(oid="t.oid")}""",
    "extension": """
        SELECT e.extname, n.nspname::text FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname <> 'plpgsql'""",
}


def snapshot_of_server(connection: Connection) -> Snapshot:
    connection.execute("SET search_path = ''")
    found: Snapshot = {}
    for kind, query in SERVER.items():
        for name, *rest in connection.execute(query.encode()).fetchall():
            found[f"{kind} {name}"] = sorted(rest[0]) if kind.startswith("grants") else rest
    return found

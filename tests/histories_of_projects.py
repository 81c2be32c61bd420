# ruff: noqa: E501 (SQL)
"""Histories in the manner of whole projects, one for each habit of a tool or a team. A list is several migrations, in order."""

PROJECTS: dict[str, list[str]] = {
    "supabase": [
        """CREATE SCHEMA auth; CREATE TABLE auth.users (id uuid PRIMARY KEY, email text, raw_user_meta_data jsonb);
           CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $$ SELECT nullif(current_setting('request.jwt.claim.sub', true), '')::uuid $$;
           CREATE SCHEMA storage; CREATE TABLE storage.objects (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), bucket_id text, name text, owner uuid);
           ALTER TABLE storage.objects ENABLE ROW LEVEL SECURITY;
           CREATE PUBLICATION supabase_realtime;""",
        """create table public.profiles (
             id uuid references auth.users on delete cascade not null primary key,
             updated_at timestamp with time zone, username text unique, full_name text, avatar_url text,
             constraint username_length check (char_length(username) >= 3));
           alter table profiles enable row level security;
           create policy "Public profiles are viewable by everyone." on profiles for select using (true);
           create policy "Users can insert their own profile." on profiles for insert with check ((select auth.uid()) = id);
           create policy "Users can update own profile." on profiles for update to authenticated using (auth.uid() = id) with check (auth.uid() = id);
           create function public.handle_new_user() returns trigger set search_path = '' as $$
           begin
             insert into public.profiles (id, full_name, avatar_url)
             values (new.id, new.raw_user_meta_data->>'full_name', new.raw_user_meta_data->>'avatar_url');
             return new;
           end; $$ language plpgsql security definer;
           create trigger on_auth_user_created after insert on auth.users for each row execute procedure public.handle_new_user();
           create policy "Avatar images are publicly accessible." on storage.objects for select using (bucket_id = 'avatars');
           alter publication supabase_realtime add table profiles;""",
        """do $$ declare r record; begin
             for r in select schemaname, tablename from pg_tables where schemaname = 'public' loop
               execute format('alter table %I.%I enable row level security', r.schemaname, r.tablename);
               execute format('alter table %I.%I force row level security', r.schemaname, r.tablename);
             end loop;
           end $$;
           drop policy if exists "Users can update own profile." on public.profiles;
           drop policy if exists "Nobody made this." on public.profiles;
           create policy "Users can update own profile." on public.profiles as restrictive for update using (id = auth.uid());
           alter default privileges in schema public grant select on tables to authenticated;
           grant usage on schema public to anon, authenticated; revoke execute on function public.handle_new_user() from public;
           alter publication supabase_realtime set table profiles; alter table profiles replica identity full;""",
        """do $$ declare p record; begin
             for p in select policyname, tablename from pg_policies where schemaname = 'public' and policyname like 'Users can%' loop
               execute format('drop policy %I on public.%I', p.policyname, p.tablename);
             end loop; end $$;
           alter table profiles alter column username set not null, add column if not exists website text, drop constraint username_length;""",
    ],
    "prisma": [
        """-- CreateEnum
           CREATE TYPE "Role" AS ENUM ('USER', 'ADMIN');
           -- CreateTable
           CREATE TABLE "User" ("id" SERIAL NOT NULL, "email" TEXT NOT NULL, "role" "Role" NOT NULL DEFAULT 'USER', "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
             CONSTRAINT "User_pkey" PRIMARY KEY ("id"));
           CREATE TABLE "Post" ("id" TEXT NOT NULL, "title" VARCHAR(255) NOT NULL, "authorId" INTEGER NOT NULL, "tags" TEXT[], "price" DECIMAL(65,30), CONSTRAINT "Post_pkey" PRIMARY KEY ("id"));
           CREATE TABLE "_PostToTag" ("A" TEXT NOT NULL, "B" INTEGER NOT NULL, CONSTRAINT "_PostToTag_AB_pkey" PRIMARY KEY ("A","B"));
           CREATE UNIQUE INDEX "User_email_key" ON "User"("email");
           CREATE INDEX "Post_authorId_title_idx" ON "Post"("authorId", "title" DESC);
           ALTER TABLE "Post" ADD CONSTRAINT "Post_authorId_fkey" FOREIGN KEY ("authorId") REFERENCES "User"("id") ON DELETE RESTRICT ON UPDATE CASCADE;""",
        """-- AlterEnum
           BEGIN;
           CREATE TYPE "Role_new" AS ENUM ('USER', 'ADMIN', 'OWNER');
           ALTER TABLE "User" ALTER COLUMN "role" DROP DEFAULT;
           ALTER TABLE "User" ALTER COLUMN "role" TYPE "Role_new" USING ("role"::text::"Role_new");
           ALTER TYPE "Role" RENAME TO "Role_old";
           ALTER TYPE "Role_new" RENAME TO "Role";
           DROP TYPE "Role_old";
           ALTER TABLE "User" ALTER COLUMN "role" SET DEFAULT 'USER';
           COMMIT;""",
        """-- DropForeignKey
           ALTER TABLE "Post" DROP CONSTRAINT "Post_authorId_fkey";
           -- AlterTable
           ALTER TABLE "Post" DROP COLUMN "price", ADD COLUMN "updatedAt" TIMESTAMP(3), ALTER COLUMN "authorId" DROP NOT NULL;
           ALTER TABLE "User" RENAME CONSTRAINT "User_pkey" TO "Account_pkey"; ALTER TABLE "User" RENAME TO "Account"; ALTER INDEX "User_email_key" RENAME TO "Account_email_key";
           ALTER TABLE "Post" ADD CONSTRAINT "Post_authorId_fkey" FOREIGN KEY ("authorId") REFERENCES "Account"("id") ON DELETE SET NULL ON UPDATE CASCADE;""",
    ],
    "drizzle": [
        """DO $$ BEGIN
            CREATE TYPE "public"."status" AS ENUM('open', 'closed');
           EXCEPTION WHEN duplicate_object THEN null;
           END $$;
           --> statement-breakpoint
           CREATE TABLE IF NOT EXISTS "tickets" ("id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL, "status" "status" DEFAULT 'open' NOT NULL, "owner" integer, "meta" jsonb DEFAULT '{}'::jsonb NOT NULL,
             CONSTRAINT "tickets_owner_unique" UNIQUE("owner"));
           CREATE TABLE IF NOT EXISTS "owners" ("id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "owners_id_seq" INCREMENT BY 1 MINVALUE 1 START WITH 1 CACHE 1), "name" varchar(256));
           DO $$ BEGIN
            ALTER TABLE "tickets" ADD CONSTRAINT "tickets_owner_owners_id_fk" FOREIGN KEY ("owner") REFERENCES "public"."owners"("id") ON DELETE cascade ON UPDATE no action;
           EXCEPTION WHEN duplicate_object THEN null;
           END $$;
           CREATE INDEX IF NOT EXISTS "tickets_status_index" ON "tickets" USING btree ("status");""",
        """DO $$ BEGIN
            ALTER TABLE "tickets" ADD CONSTRAINT "tickets_owner_owners_id_fk" FOREIGN KEY ("owner") REFERENCES "public"."owners"("id");
           EXCEPTION WHEN duplicate_object THEN null;
           END $$;
           ALTER TABLE "tickets" ALTER COLUMN "status" SET DATA TYPE text; DROP TYPE IF EXISTS "public"."status_old";
           ALTER TABLE "tickets" DROP COLUMN IF EXISTS "meta"; ALTER TABLE "owners" ADD COLUMN IF NOT EXISTS "name" text;""",
    ],
    "hasura": [
        """CREATE TABLE "public"."orders" ("id" uuid NOT NULL DEFAULT gen_random_uuid(), "created_at" timestamptz NOT NULL DEFAULT now(), "updated_at" timestamptz NOT NULL DEFAULT now(), PRIMARY KEY ("id"), UNIQUE ("id"));
           CREATE OR REPLACE FUNCTION "public"."set_current_timestamp_updated_at"() RETURNS TRIGGER AS $$
           DECLARE
             _new record;
           BEGIN
             _new := NEW;
             _new."updated_at" = NOW();
             RETURN _new;
           END;
           $$ LANGUAGE plpgsql;
           CREATE TRIGGER "set_public_orders_updated_at" BEFORE UPDATE ON "public"."orders" FOR EACH ROW EXECUTE PROCEDURE "public"."set_current_timestamp_updated_at"();
           COMMENT ON TRIGGER "set_public_orders_updated_at" ON "public"."orders" IS 'trigger to set value of column "updated_at" to current timestamp on row update';""",
        """alter table "public"."orders" add column "total" numeric null; alter table "public"."orders" alter column "total" set default 0;
           alter table "public"."orders" rename column "total" to "amount"; alter table "public"."orders" add constraint "orders_amount_check" check (amount >= 0::numeric);
           CREATE OR REPLACE VIEW "public"."order_days" AS SELECT date_trunc('day', created_at) AS day, sum(amount) AS amount, count(*) FROM orders GROUP BY 1;""",
    ],
    "rails structure": [
        """SET statement_timeout = 0; SET client_encoding = 'UTF8'; SELECT pg_catalog.set_config('search_path', '', false); SET default_tablespace = '';
           CREATE TYPE public.mood AS ENUM ('sad', 'ok');
           CREATE TABLE public.ar_internal_metadata (key character varying NOT NULL, value character varying, created_at timestamp(6) without time zone NOT NULL);
           CREATE TABLE public.accounts (id bigint NOT NULL, name character varying DEFAULT 'x'::character varying NOT NULL, settings jsonb DEFAULT '{}'::jsonb, mood public.mood);
           CREATE SEQUENCE public.accounts_id_seq START WITH 1 INCREMENT BY 1 NO MINVALUE NO MAXVALUE CACHE 1;
           ALTER SEQUENCE public.accounts_id_seq OWNED BY public.accounts.id;
           CREATE TABLE public.schema_migrations (version character varying NOT NULL);
           CREATE TABLE public.posts (id bigint NOT NULL, account_id bigint NOT NULL, body text, tsv tsvector GENERATED ALWAYS AS (to_tsvector('english'::regconfig, COALESCE(body, ''::text))) STORED);
           CREATE SEQUENCE public.posts_id_seq AS integer; ALTER SEQUENCE public.posts_id_seq OWNED BY public.posts.id;
           ALTER TABLE ONLY public.accounts ALTER COLUMN id SET DEFAULT nextval('public.accounts_id_seq'::regclass);
           ALTER TABLE ONLY public.posts ALTER COLUMN id SET DEFAULT nextval('public.posts_id_seq'::regclass);
           ALTER TABLE ONLY public.ar_internal_metadata ADD CONSTRAINT ar_internal_metadata_pkey PRIMARY KEY (key);
           ALTER TABLE ONLY public.accounts ADD CONSTRAINT accounts_pkey PRIMARY KEY (id); ALTER TABLE ONLY public.posts ADD CONSTRAINT posts_pkey PRIMARY KEY (id);
           ALTER TABLE ONLY public.schema_migrations ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);
           CREATE UNIQUE INDEX index_accounts_on_lower_name ON public.accounts USING btree (lower((name)::text)); CREATE INDEX index_posts_on_account_id ON public.posts USING btree (account_id);
           CREATE INDEX index_posts_on_tsv ON public.posts USING gin (tsv); CREATE INDEX index_accounts_on_mood ON public.accounts USING btree (mood) WHERE (mood IS NOT NULL);
           ALTER TABLE ONLY public.posts ADD CONSTRAINT fk_rails_5b5ddfd518 FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
           SET search_path TO "$user", public; INSERT INTO "schema_migrations" (version) VALUES ('20240102000000'), ('20240101000000');""",
        "ALTER TABLE posts ADD COLUMN pinned boolean DEFAULT false NOT NULL; ALTER TABLE accounts RENAME COLUMN settings TO preferences; DROP INDEX index_accounts_on_mood;",
    ],
    "django": [
        """BEGIN;
           CREATE TABLE "django_content_type" ("id" integer NOT NULL PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, "app_label" varchar(100) NOT NULL, "model" varchar(100) NOT NULL);
           ALTER TABLE "django_content_type" ADD CONSTRAINT "django_content_type_app_label_model_76bd3d3b_uniq" UNIQUE ("app_label", "model");
           CREATE TABLE "auth_permission" ("id" integer NOT NULL PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, "name" varchar(50) NOT NULL, "content_type_id" integer NOT NULL, "codename" varchar(100) NOT NULL);
           ALTER TABLE "auth_permission" ADD CONSTRAINT "auth_permission_content_type_id_2f476e4b_fk_django_co" FOREIGN KEY ("content_type_id") REFERENCES "django_content_type" ("id") DEFERRABLE INITIALLY DEFERRED;
           CREATE INDEX "auth_permission_content_type_id_2f476e4b" ON "auth_permission" ("content_type_id");
           CREATE INDEX "auth_permission_codename_like" ON "auth_permission" ("codename" varchar_pattern_ops);
           COMMIT;""",
        """BEGIN;
           ALTER TABLE "auth_permission" ADD COLUMN "weight" integer DEFAULT 0 NOT NULL CHECK ("weight" >= 0); ALTER TABLE "auth_permission" ALTER COLUMN "weight" DROP DEFAULT;
           SET CONSTRAINTS "auth_permission_content_type_id_2f476e4b_fk_django_co" IMMEDIATE; ALTER TABLE "auth_permission" DROP CONSTRAINT "auth_permission_content_type_id_2f476e4b_fk_django_co";
           ALTER TABLE "auth_permission" ALTER COLUMN "content_type_id" TYPE bigint USING "content_type_id"::bigint; ALTER TABLE "django_content_type" ALTER COLUMN "id" TYPE bigint;
           ALTER TABLE "auth_permission" RENAME TO "permissions";
           COMMIT;""",
    ],
    "postgraphile": [
        """create schema app_public; create schema app_private; alter default privileges in schema app_public grant usage, select on sequences to authenticated;
           create type app_public.kind as (code text, weight int);
           create table app_public.person (id serial primary key, first_name text not null check (char_length(first_name) < 80), parent_id int references app_public.person, kind app_public.kind);
           create table app_private.person_account (person_id integer primary key references app_public.person(id) on delete cascade, password_hash text not null);
           create function app_public.person_full_name(person app_public.person) returns text as $$ select person.first_name || ' x' $$ language sql stable;
           create function app_public.search_people(search text) returns setof app_public.person as $$ select person.* from app_public.person where first_name ilike ('%' || search || '%') $$ language sql stable;
           create function app_public.register(first_name text, inout code text, out people int) language plpgsql strict security definer as $$ begin people := 1; end $$;
           comment on table app_public.person is E'@omit create\\nA person.'; comment on column app_public.person.first_name is 'First.';
           grant select on table app_public.person to authenticated; grant execute on function app_public.person_full_name(app_public.person) to anon;""",
        """alter table app_public.person add column about text; create or replace function app_public.person_full_name(person app_public.person) returns text as $$ select person.first_name $$ language sql stable;
           alter type app_public.kind add attribute note text; create table app_public.flag (like app_public.person including all excluding constraints); drop function app_public.register(text, text);""",
    ],
    "audit by loops": [
        """CREATE TABLE a (id int PRIMARY KEY, x text); CREATE TABLE b (id int PRIMARY KEY); CREATE TABLE audit_log (at timestamptz DEFAULT now(), tab text, old jsonb, new jsonb);
           CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$ BEGIN INSERT INTO audit_log (tab, old, new) VALUES (TG_TABLE_NAME, to_jsonb(OLD), to_jsonb(NEW)); RETURN NULL; END $$;
           DO $do$ DECLARE t text; BEGIN
             FOREACH t IN ARRAY ARRAY['a', 'b'] LOOP
               EXECUTE format('DROP TRIGGER IF EXISTS audit_%1$s ON %1$I', t);
               EXECUTE format('CREATE TRIGGER audit_%1$s AFTER INSERT OR UPDATE OR DELETE ON %1$I FOR EACH ROW EXECUTE FUNCTION audit()', t);
             END LOOP; END $do$;""",
        """DO $do$ DECLARE r record; BEGIN
             FOR r IN SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal AND t.tgname LIKE 'audit%' LOOP
               EXECUTE 'ALTER TABLE ' || quote_ident(r.relname) || ' DISABLE TRIGGER ' || quote_ident(r.tgname);
             END LOOP; END $do$;
           DO $$ BEGIN IF EXISTS (SELECT 1 FROM information_schema.tables WHERE table_schema = 'public' AND table_name = 'b') AND NOT EXISTS (SELECT FROM information_schema.columns WHERE table_name = 'b' AND column_name = 'y') THEN ALTER TABLE b ADD COLUMN y int; END IF; END $$;""",
    ],
    "partitions by month": [
        """CREATE TABLE metrics (id bigint GENERATED ALWAYS AS IDENTITY, at timestamptz NOT NULL, v double precision, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
           CREATE INDEX metrics_at ON metrics USING brin (at);
           DO $$ DECLARE m int; BEGIN FOR m IN 1..3 LOOP
             EXECUTE format('CREATE TABLE metrics_2024_%s PARTITION OF metrics FOR VALUES FROM (%L) TO (%L)', lpad(m::text, 2, '0'), make_date(2024, m, 1), make_date(2024, m + 1, 1));
           END LOOP; END $$;
           DO $$ DECLARE d date; BEGIN FOR d IN SELECT generate_series('2024-05-01'::date, '2024-06-01', interval '1 month')::date LOOP
             EXECUTE format('CREATE TABLE %I PARTITION OF metrics FOR VALUES FROM (%L) TO (%L)', 'metrics_' || to_char(d, 'YYYY_MM'), d, (d + interval '1 month')::date);
           END LOOP; END $$;
           CREATE TABLE metrics_default PARTITION OF metrics DEFAULT;""",
        """ALTER TABLE metrics DETACH PARTITION metrics_2024_01; DROP TABLE metrics_2024_01; ALTER TABLE metrics ADD COLUMN unit text DEFAULT 's' NOT NULL; CREATE UNIQUE INDEX ON metrics (at, id);
           CREATE TABLE metrics_new (LIKE metrics INCLUDING DEFAULTS INCLUDING CONSTRAINTS); ALTER TABLE metrics ATTACH PARTITION metrics_new FOR VALUES FROM ('2025-01-01') TO ('2025-02-01');""",
    ],
    "from serial to identity": [
        "CREATE TABLE t (id serial PRIMARY KEY, other bigserial, name text); CREATE TABLE u (t_id int REFERENCES t);",
        """ALTER TABLE t ALTER COLUMN id DROP DEFAULT; DROP SEQUENCE t_id_seq; ALTER TABLE t ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY; SELECT setval(pg_get_serial_sequence('t', 'id'), 1);
           ALTER TABLE t ALTER COLUMN id SET DATA TYPE bigint; ALTER TABLE u ALTER COLUMN t_id TYPE bigint; ALTER SEQUENCE t_other_seq RENAME TO others; ALTER TABLE t ALTER COLUMN other DROP NOT NULL;""",
        "ALTER TABLE t ALTER COLUMN id DROP IDENTITY; ALTER TABLE t DROP COLUMN other; CREATE SEQUENCE t_id_seq OWNED BY t.id; ALTER TABLE t ALTER COLUMN id SET DEFAULT nextval('t_id_seq');",
    ],
    "a table rebuilt": [
        """CREATE TABLE items (id bigserial PRIMARY KEY, name text NOT NULL UNIQUE, kind text DEFAULT 'a' CHECK (kind IN ('a', 'b'))); CREATE TABLE parts (item_id bigint REFERENCES items ON DELETE CASCADE);
           CREATE VIEW named AS SELECT id, name FROM items; CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$; CREATE TRIGGER touched BEFORE UPDATE ON items FOR EACH ROW EXECUTE FUNCTION touch();""",
        """CREATE TABLE items_new (LIKE items INCLUDING ALL); ALTER TABLE items_new ADD COLUMN extra jsonb; INSERT INTO items_new SELECT *, NULL FROM items;
           ALTER TABLE parts DROP CONSTRAINT parts_item_id_fkey; DROP VIEW named; ALTER TABLE items RENAME TO items_old; ALTER TABLE items_new RENAME TO items; ALTER SEQUENCE items_id_seq OWNED BY items.id;
           DROP TABLE items_old; ALTER TABLE items RENAME CONSTRAINT items_new_pkey TO items_pkey; ALTER TABLE parts ADD FOREIGN KEY (item_id) REFERENCES items ON DELETE CASCADE NOT VALID; ALTER TABLE parts VALIDATE CONSTRAINT parts_item_id_fkey;
           CREATE VIEW named AS SELECT id, name, extra FROM items; CREATE TRIGGER touched BEFORE UPDATE ON items FOR EACH ROW EXECUTE FUNCTION touch();""",
    ],
    "views over views": [
        """CREATE TABLE base (id int PRIMARY KEY, a text, b numeric(10,2)); CREATE VIEW one AS SELECT id, upper(a) AS a, b * 2 AS b FROM base; CREATE VIEW two AS SELECT o.*, row_number() OVER (ORDER BY id) AS n FROM one o;
           CREATE MATERIALIZED VIEW three AS SELECT coalesce(a, 'none') AS a, max(b) AS most, array_agg(n) AS ns FROM two GROUP BY 1; CREATE UNIQUE INDEX ON three (a);
           CREATE VIEW writable WITH (security_invoker = true) AS SELECT id, a FROM base WHERE id > 0 WITH CHECK OPTION;
           CREATE FUNCTION put() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO base (id) VALUES (NEW.id); RETURN NEW; END $$; CREATE TRIGGER put INSTEAD OF INSERT ON one FOR EACH ROW EXECUTE FUNCTION put();""",
        """CREATE OR REPLACE VIEW one AS SELECT id, upper(a) AS a, b * 2 AS b, now() AS at FROM base; ALTER TABLE base RENAME COLUMN a TO label; ALTER VIEW writable RENAME COLUMN a TO label; DROP MATERIALIZED VIEW three;
           ALTER VIEW two SET SCHEMA public; DROP VIEW one CASCADE; ALTER TABLE base ALTER COLUMN b TYPE numeric(12,4); DROP VIEW writable; ALTER TABLE base ALTER COLUMN label TYPE varchar(100);""",
    ],
    "names at the limit": [
        """CREATE TABLE organization_membership_invitation_acceptance_notifications (id uuid PRIMARY KEY, organization_membership_invitation_acceptance_identifier uuid UNIQUE,
             organization_membership_invitation_acceptance_identifier_kind text CHECK (organization_membership_invitation_acceptance_identifier_kind <> ''));
           CREATE INDEX ON organization_membership_invitation_acceptance_notifications (organization_membership_invitation_acceptance_identifier, organization_membership_invitation_acceptance_identifier_kind);
           CREATE TABLE organization_membership_invitation_acceptance_notification_readers (notification_id uuid REFERENCES organization_membership_invitation_acceptance_notifications);
           ALTER TABLE organization_membership_invitation_acceptance_notification_readers ADD CONSTRAINT this_constraint_has_a_name_that_is_longer_than_any_identifier_may_be CHECK (notification_id IS NOT NULL);""",
        "ALTER TABLE organization_membership_invitation_acceptance_notification_readers DROP CONSTRAINT this_constraint_has_a_name_that_is_longer_than_any_identifier_may_be; ALTER TABLE organization_membership_invitation_acceptance_notifications RENAME TO short;",
    ],
    "multi-tenant": [
        """DO $$ DECLARE tenant text; BEGIN FOREACH tenant IN ARRAY '{acme,umbrella}'::text[] LOOP
             EXECUTE 'CREATE SCHEMA IF NOT EXISTS ' || tenant;
             EXECUTE format('CREATE TABLE %I.invoices (id int PRIMARY KEY, total numeric(12,2) NOT NULL DEFAULT 0, UNIQUE (id, total))', tenant);
           END LOOP; END $$;
           SET search_path TO acme, public; CREATE TABLE notes (id int); ALTER TABLE invoices ADD COLUMN paid boolean; RESET search_path;""",
        """DO $$ DECLARE s text; BEGIN FOR s IN SELECT nspname FROM pg_namespace WHERE nspname IN ('acme', 'umbrella') ORDER BY 1 LOOP EXECUTE format('ALTER TABLE %I.invoices ADD COLUMN IF NOT EXISTS paid boolean', s); END LOOP; END $$;
           DROP SCHEMA umbrella CASCADE; ALTER SCHEMA acme RENAME TO customer_acme;""",
    ],
    "enums and domains": [
        """CREATE TYPE level AS ENUM ('low', 'high'); CREATE DOMAIN email AS text CHECK (VALUE ~ '@') NOT NULL; CREATE DOMAIN short_email AS email CHECK (length(VALUE) < 50);
           CREATE TABLE people (id int PRIMARY KEY, mail short_email, level level DEFAULT 'low', levels level[]); CREATE FUNCTION level_of(l level) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT 1 $$;""",
        """ALTER TYPE level ADD VALUE IF NOT EXISTS 'middle' BEFORE 'high'; ALTER TYPE level ADD VALUE 'top'; ALTER TYPE level RENAME VALUE 'low' TO 'lowest';
           ALTER DOMAIN email ADD CONSTRAINT no_blank CHECK (VALUE !~ ' ') NOT VALID; ALTER DOMAIN email VALIDATE CONSTRAINT no_blank; ALTER DOMAIN short_email RENAME CONSTRAINT short_email_check TO shorter;""",
        "ALTER TABLE people ALTER COLUMN level DROP DEFAULT, ALTER COLUMN level TYPE text; DROP FUNCTION level_of(level); ALTER TABLE people DROP COLUMN levels; DROP TYPE level; ALTER DOMAIN email DROP NOT NULL;",
    ],
}  # fmt: skip

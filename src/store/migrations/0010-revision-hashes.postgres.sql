alter table "audit" add column "revision_hash" text;

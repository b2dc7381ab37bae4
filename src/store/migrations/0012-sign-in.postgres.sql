create table "rbac_identities" (
  "id" text primary key,
  "workspace_id" text,
  "principal_id" text not null,
  "issuer" text,
  "subject" text,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null,
  constraint "rbac_identities_principal_id" foreign key ("principal_id") references "rbac_users" ("id") on delete cascade deferrable initially deferred
);
create unique index "rbac_identities_unique_issuer_subject" on "rbac_identities" (coalesce("issuer", ''), coalesce("subject", ''));
create index "rbac_identities_reference_principal_id" on "rbac_identities" ("principal_id");
create table "identity_uses" (
  "identity_id" text primary key references "rbac_identities" ("id") on delete cascade,
  "time" bigint not null,
  "address" text not null,
  "claims_at" bigint not null
);
create table "second_factors" (
  "principal_id" text primary key references "rbac_users" ("id") on delete cascade,
  "secret" text not null,
  "recovery" text not null,
  "last_step" bigint not null,
  "confirmed_at" bigint
);
alter table "sessions" add column "id" text not null default '';
alter table "sessions" add column "created_at" bigint;
alter table "sessions" add column "address" text not null default '';
alter table "sessions" add column "user_agent" text not null default '';
alter table "sessions" add column "identity_id" text references "rbac_identities" ("id") on delete cascade;
alter table "sessions" add column "sid" text;
update "sessions" set "id" = substr("sha256", 1, 32);
create unique index "sessions_id" on "sessions" ("id");
create index "sessions_principal_id" on "sessions" ("principal_id");
create index "sessions_identity_id" on "sessions" ("identity_id");
create index "sessions_sid" on "sessions" ("sid");

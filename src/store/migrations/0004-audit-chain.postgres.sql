alter table "audit" add column "sequence" bigint;
alter table "audit" add column "workspace_id" text default '' not null;
alter table "audit" add column "previous" text default '' not null;
alter table "audit" add column "hash" text default '' not null;
create table "audit_head" (
  "id" integer not null,
  "sequence" bigint not null,
  "hash" text not null,
  "time" bigint not null,
  "key" text not null,
  "signature" text not null,
  constraint "audit_head_primary" primary key ("id")
);
create table "audit_checkpoints" (
  "kind" text not null,
  "sequence" bigint not null,
  "hash" text not null,
  "time" bigint not null,
  "key" text not null,
  "signature" text not null,
  constraint "audit_checkpoints_primary" primary key ("kind", "sequence")
);
create unique index "audit_sequence" on "audit" ("sequence");
create index "audit_workspace" on "audit" ("workspace_id", "workspace", "sequence");
create table "token_uses" (
  "token_id" text primary key references "rbac_tokens" ("id") on delete cascade,
  "time" bigint not null,
  "address" text not null
);

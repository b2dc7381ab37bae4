create table "consumer_groups" (
  "id" text primary key,
  "workspace_id" text not null,
  "name" text,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null,
  constraint "consumer_groups_workspace_id" foreign key ("workspace_id") references "workspaces" ("id") on delete no action deferrable initially deferred
);
create unique index "consumer_groups_unique_name" on "consumer_groups" ("workspace_id", "name");
create table "consumer_group_consumers" (
  "id" text primary key,
  "workspace_id" text not null,
  "consumer_group_id" text not null,
  "consumer_id" text,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null,
  constraint "consumer_group_consumers_workspace_id" foreign key ("workspace_id") references "workspaces" ("id") on delete no action deferrable initially deferred,
  constraint "consumer_group_consumers_consumer_group_id" foreign key ("consumer_group_id") references "consumer_groups" ("id") on delete cascade deferrable initially deferred,
  constraint "consumer_group_consumers_consumer_id" foreign key ("consumer_id") references "consumers" ("id") on delete cascade deferrable initially deferred
);
create unique index "consumer_group_consumers_unique_consumer_group_id_consumer_id" on "consumer_group_consumers" ("workspace_id", coalesce("consumer_group_id", ''), coalesce("consumer_id", ''));
create table "basic_auths" (
  "id" text primary key,
  "workspace_id" text not null,
  "consumer_id" text not null,
  "username" text,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null,
  constraint "basic_auths_workspace_id" foreign key ("workspace_id") references "workspaces" ("id") on delete no action deferrable initially deferred,
  constraint "basic_auths_consumer_id" foreign key ("consumer_id") references "consumers" ("id") on delete cascade deferrable initially deferred
);
create unique index "basic_auths_unique_username" on "basic_auths" ("workspace_id", "username");
create table "hmac_auths" (
  "id" text primary key,
  "workspace_id" text not null,
  "consumer_id" text not null,
  "username" text,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null,
  constraint "hmac_auths_workspace_id" foreign key ("workspace_id") references "workspaces" ("id") on delete no action deferrable initially deferred,
  constraint "hmac_auths_consumer_id" foreign key ("consumer_id") references "consumers" ("id") on delete cascade deferrable initially deferred
);
create unique index "hmac_auths_unique_username" on "hmac_auths" ("workspace_id", "username");
create table "jwts" (
  "id" text primary key,
  "workspace_id" text not null,
  "consumer_id" text not null,
  "key" text,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null,
  constraint "jwts_workspace_id" foreign key ("workspace_id") references "workspaces" ("id") on delete no action deferrable initially deferred,
  constraint "jwts_consumer_id" foreign key ("consumer_id") references "consumers" ("id") on delete cascade deferrable initially deferred
);
create unique index "jwts_unique_key" on "jwts" ("workspace_id", "key");
create table "oauth2" (
  "id" text primary key,
  "workspace_id" text not null,
  "consumer_id" text not null,
  "client_id" text,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null,
  constraint "oauth2_workspace_id" foreign key ("workspace_id") references "workspaces" ("id") on delete no action deferrable initially deferred,
  constraint "oauth2_consumer_id" foreign key ("consumer_id") references "consumers" ("id") on delete cascade deferrable initially deferred
);
create unique index "oauth2_unique_client_id" on "oauth2" ("workspace_id", "client_id");
create table "mtls_auths" (
  "id" text primary key,
  "workspace_id" text not null,
  "consumer_id" text not null,
  "ca_certificate_id" text,
  "subject_name" text,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null,
  constraint "mtls_auths_workspace_id" foreign key ("workspace_id") references "workspaces" ("id") on delete no action deferrable initially deferred,
  constraint "mtls_auths_consumer_id" foreign key ("consumer_id") references "consumers" ("id") on delete cascade deferrable initially deferred,
  constraint "mtls_auths_ca_certificate_id" foreign key ("ca_certificate_id") references "ca_certificates" ("id") on delete cascade deferrable initially deferred
);
create unique index "mtls_auths_unique_subject_name_ca_certificate_id" on "mtls_auths" ("workspace_id", coalesce("subject_name", ''), coalesce("ca_certificate_id", ''));
create table "vaults" (
  "id" text primary key,
  "workspace_id" text not null,
  "prefix" text,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null,
  constraint "vaults_workspace_id" foreign key ("workspace_id") references "workspaces" ("id") on delete no action deferrable initially deferred
);
create unique index "vaults_unique_prefix" on "vaults" ("prefix");
create table "key_sets" (
  "id" text primary key,
  "workspace_id" text not null,
  "name" text,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null,
  constraint "key_sets_workspace_id" foreign key ("workspace_id") references "workspaces" ("id") on delete no action deferrable initially deferred
);
create unique index "key_sets_unique_name" on "key_sets" ("workspace_id", "name");
create table "keys" (
  "id" text primary key,
  "workspace_id" text not null,
  "set_id" text,
  "name" text,
  "kid" text,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null,
  constraint "keys_workspace_id" foreign key ("workspace_id") references "workspaces" ("id") on delete no action deferrable initially deferred,
  constraint "keys_set_id" foreign key ("set_id") references "key_sets" ("id") on delete cascade deferrable initially deferred
);
create unique index "keys_unique_name" on "keys" ("workspace_id", "name");
create unique index "keys_unique_kid_set_id" on "keys" ("workspace_id", coalesce("kid", ''), coalesce("set_id", ''));
alter table "plugins" add column "consumer_group_id" text references "consumer_groups" ("id") on delete cascade deferrable initially deferred;
drop index "plugins_unique_name_service_id_route_id_consumer_id";
create unique index "plugins_unique_name_service_id_route_id_consumer_id_consumer_group_id" on "plugins" ("workspace_id", coalesce("name", ''), coalesce("service_id", ''), coalesce("route_id", ''), coalesce("consumer_id", ''), coalesce("consumer_group_id", ''));

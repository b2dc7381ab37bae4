create table "workspaces" (
  "id" text primary key,
  "workspace_id" text,
  "name" text,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null
);
create unique index "workspaces_unique_name" on "workspaces" ("name");
create table "certificates" (
  "id" text primary key,
  "workspace_id" text not null,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null,
  constraint "certificates_workspace_id" foreign key ("workspace_id") references "workspaces" ("id") on delete no action deferrable initially deferred
);
create table "snis" (
  "id" text primary key,
  "workspace_id" text not null,
  "certificate_id" text not null,
  "name" text,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null,
  constraint "snis_workspace_id" foreign key ("workspace_id") references "workspaces" ("id") on delete no action deferrable initially deferred,
  constraint "snis_certificate_id" foreign key ("certificate_id") references "certificates" ("id") on delete cascade deferrable initially deferred
);
create unique index "snis_unique_name" on "snis" ("name");
create table "ca_certificates" (
  "id" text primary key,
  "workspace_id" text,
  "cert_digest" text,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null
);
create unique index "ca_certificates_unique_cert_digest" on "ca_certificates" ("cert_digest");
create table "services" (
  "id" text primary key,
  "workspace_id" text not null,
  "client_certificate_id" text,
  "name" text,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null,
  constraint "services_workspace_id" foreign key ("workspace_id") references "workspaces" ("id") on delete no action deferrable initially deferred,
  constraint "services_client_certificate_id" foreign key ("client_certificate_id") references "certificates" ("id") on delete no action deferrable initially deferred
);
create unique index "services_unique_name" on "services" ("workspace_id", "name");
create table "routes" (
  "id" text primary key,
  "workspace_id" text not null,
  "service_id" text,
  "name" text,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null,
  constraint "routes_workspace_id" foreign key ("workspace_id") references "workspaces" ("id") on delete no action deferrable initially deferred,
  constraint "routes_service_id" foreign key ("service_id") references "services" ("id") on delete no action deferrable initially deferred
);
create unique index "routes_unique_name" on "routes" ("workspace_id", "name");
create table "consumers" (
  "id" text primary key,
  "workspace_id" text not null,
  "username" text,
  "custom_id" text,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null,
  constraint "consumers_workspace_id" foreign key ("workspace_id") references "workspaces" ("id") on delete no action deferrable initially deferred
);
create unique index "consumers_unique_username" on "consumers" ("workspace_id", "username");
create unique index "consumers_unique_custom_id" on "consumers" ("workspace_id", "custom_id");
create table "key_auths" (
  "id" text primary key,
  "workspace_id" text not null,
  "consumer_id" text not null,
  "key" text,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null,
  constraint "key_auths_workspace_id" foreign key ("workspace_id") references "workspaces" ("id") on delete no action deferrable initially deferred,
  constraint "key_auths_consumer_id" foreign key ("consumer_id") references "consumers" ("id") on delete cascade deferrable initially deferred
);
create unique index "key_auths_unique_key" on "key_auths" ("workspace_id", "key");
create table "acls" (
  "id" text primary key,
  "workspace_id" text not null,
  "consumer_id" text not null,
  "group" text,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null,
  constraint "acls_workspace_id" foreign key ("workspace_id") references "workspaces" ("id") on delete no action deferrable initially deferred,
  constraint "acls_consumer_id" foreign key ("consumer_id") references "consumers" ("id") on delete cascade deferrable initially deferred
);
create unique index "acls_unique_consumer_id_group" on "acls" ("workspace_id", coalesce("consumer_id", ''), coalesce("group", ''));
create table "upstreams" (
  "id" text primary key,
  "workspace_id" text not null,
  "client_certificate_id" text,
  "name" text,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null,
  constraint "upstreams_workspace_id" foreign key ("workspace_id") references "workspaces" ("id") on delete no action deferrable initially deferred,
  constraint "upstreams_client_certificate_id" foreign key ("client_certificate_id") references "certificates" ("id") on delete no action deferrable initially deferred
);
create unique index "upstreams_unique_name" on "upstreams" ("workspace_id", "name");
create table "targets" (
  "id" text primary key,
  "workspace_id" text not null,
  "upstream_id" text not null,
  "target" text,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null,
  constraint "targets_workspace_id" foreign key ("workspace_id") references "workspaces" ("id") on delete no action deferrable initially deferred,
  constraint "targets_upstream_id" foreign key ("upstream_id") references "upstreams" ("id") on delete cascade deferrable initially deferred
);
create unique index "targets_unique_upstream_id_target" on "targets" ("workspace_id", coalesce("upstream_id", ''), coalesce("target", ''));
create table "plugins" (
  "id" text primary key,
  "workspace_id" text not null,
  "service_id" text,
  "route_id" text,
  "consumer_id" text,
  "instance_name" text,
  "name" text,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null,
  constraint "plugins_workspace_id" foreign key ("workspace_id") references "workspaces" ("id") on delete no action deferrable initially deferred,
  constraint "plugins_service_id" foreign key ("service_id") references "services" ("id") on delete cascade deferrable initially deferred,
  constraint "plugins_route_id" foreign key ("route_id") references "routes" ("id") on delete cascade deferrable initially deferred,
  constraint "plugins_consumer_id" foreign key ("consumer_id") references "consumers" ("id") on delete cascade deferrable initially deferred
);
create unique index "plugins_unique_instance_name" on "plugins" ("workspace_id", "instance_name");
create unique index "plugins_unique_name_service_id_route_id_consumer_id" on "plugins" ("workspace_id", coalesce("name", ''), coalesce("service_id", ''), coalesce("route_id", ''), coalesce("consumer_id", ''));
create table "rbac_roles" (
  "id" text primary key,
  "workspace_id" text not null,
  "name" text,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null,
  constraint "rbac_roles_workspace_id" foreign key ("workspace_id") references "workspaces" ("id") on delete no action deferrable initially deferred
);
create unique index "rbac_roles_unique_name" on "rbac_roles" ("workspace_id", "name");
create table "rbac_endpoints" (
  "id" text primary key,
  "workspace_id" text not null,
  "role_id" text not null,
  "workspace" text,
  "endpoint" text,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null,
  constraint "rbac_endpoints_workspace_id" foreign key ("workspace_id") references "workspaces" ("id") on delete no action deferrable initially deferred,
  constraint "rbac_endpoints_role_id" foreign key ("role_id") references "rbac_roles" ("id") on delete cascade deferrable initially deferred
);
create unique index "rbac_endpoints_unique_role_id_workspace_endpoint" on "rbac_endpoints" ("workspace_id", coalesce("role_id", ''), coalesce("workspace", ''), coalesce("endpoint", ''));
create table "rbac_entities" (
  "id" text primary key,
  "workspace_id" text not null,
  "role_id" text not null,
  "entity_id" text,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null,
  constraint "rbac_entities_workspace_id" foreign key ("workspace_id") references "workspaces" ("id") on delete no action deferrable initially deferred,
  constraint "rbac_entities_role_id" foreign key ("role_id") references "rbac_roles" ("id") on delete cascade deferrable initially deferred
);
create unique index "rbac_entities_unique_role_id_entity_id" on "rbac_entities" ("workspace_id", coalesce("role_id", ''), coalesce("entity_id", ''));
create table "rbac_users" (
  "id" text primary key,
  "workspace_id" text,
  "name" text,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null
);
create unique index "rbac_users_unique_name" on "rbac_users" ("name");
create table "rbac_grants" (
  "id" text primary key,
  "workspace_id" text,
  "principal_id" text not null,
  "role_id" text,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null,
  constraint "rbac_grants_principal_id" foreign key ("principal_id") references "rbac_users" ("id") on delete cascade deferrable initially deferred,
  constraint "rbac_grants_role_id" foreign key ("role_id") references "rbac_roles" ("id") on delete cascade deferrable initially deferred
);
create unique index "rbac_grants_unique_principal_id_role_id" on "rbac_grants" (coalesce("principal_id", ''), coalesce("role_id", ''));
create table "rbac_tokens" (
  "id" text primary key,
  "workspace_id" text,
  "principal_id" text not null,
  "token" text,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null,
  constraint "rbac_tokens_principal_id" foreign key ("principal_id") references "rbac_users" ("id") on delete cascade deferrable initially deferred
);
create unique index "rbac_tokens_unique_token" on "rbac_tokens" ("token");
create table "bodies" (
  "sha256" text primary key,
  "gzip" bytea not null
);
create table "revisions" (
  "number" integer primary key,
  "time" bigint not null,
  "principal" text not null,
  "summary" text not null,
  "body_sha256" text not null references "bodies" ("sha256"),
  "signature" text not null
);
create table "audit" (
  "id" text primary key,
  "time" bigint not null,
  "request_id" text not null,
  "principal_id" text,
  "principal_name" text,
  "address" text not null,
  "workspace" text not null,
  "method" text not null,
  "path" text not null,
  "action" text not null,
  "allowed" integer not null,
  "because" text not null,
  "before" text not null,
  "after" text not null,
  "status" integer not null,
  "revision" integer
);
create index "audit_time" on "audit" ("time");
create table "settings" (
  "name" text primary key,
  "value" text not null
);
create table "sessions" (
  "sha256" text primary key,
  "principal_id" text not null references "rbac_users" ("id") on delete cascade,
  "expires_at" bigint not null
);

create table "rbac_groups" (
  "id" text primary key,
  "workspace_id" text,
  "name" text,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null
);
create unique index "rbac_groups_unique_name" on "rbac_groups" ("name");
create table "rbac_group_roles" (
  "id" text primary key,
  "workspace_id" text,
  "group_id" text not null,
  "role_id" text,
  "tags" text,
  "body" text not null,
  "created_at" bigint not null,
  "updated_at" bigint not null,
  constraint "rbac_group_roles_group_id" foreign key ("group_id") references "rbac_groups" ("id") on delete cascade deferrable initially deferred,
  constraint "rbac_group_roles_role_id" foreign key ("role_id") references "rbac_roles" ("id") on delete cascade deferrable initially deferred
);
create unique index "rbac_group_roles_unique_group_id_role_id" on "rbac_group_roles" (coalesce("group_id", ''), coalesce("role_id", ''));

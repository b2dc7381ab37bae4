drop index "vaults_unique_prefix";
drop index "vaults_reference_workspace_id";
create unique index "vaults_unique_prefix" on "vaults" ("workspace_id", "prefix");

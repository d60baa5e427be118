//! What a service's two roles may do, as SQL. Postgres takes no parameters in these statements, so all names and texts go
//! through [`identifier`] and [`literal`].

use super::ServiceSecrets;
use super::sql::{identifier, literal};

/// Limits the server enforces for a run-time role. A transaction here touches a batch of rows and takes milliseconds; what
/// takes seconds is stuck, and is better ended by the server than by a client that may have gone away.
const ROLE_LIMITS: &[(&str, &str)] =
    &[("statement_timeout", "15s"), ("lock_timeout", "5s"), ("idle_in_transaction_session_timeout", "30s")];

/// A migration waits this long for a table lock, then gives up rather than queue all readers behind itself.
const OWNER_LOCK_TIMEOUT: &str = "10s";

/// Who owns a service's tables and runs its migrations.
pub(super) fn owner_role(service: &str) -> String {
    format!("{service}_owner")
}

/// Both roles with their passwords and limits; an existing role is brought to the same state.
pub(super) fn roles_sql(secrets: &ServiceSecrets) -> String {
    let mut text = String::new();
    let owner = owner_role(&secrets.service);
    for (role, password) in [(&owner, &secrets.owner_password), (&secrets.service, &secrets.password)] {
        let (name, quoted) = (literal(role), identifier(role));
        text.push_str(&format!(
            "do $$ begin
               if not exists (select from pg_roles where rolname = {name}) then create role {quoted}; end if;
             end $$;
             alter role {quoted} login nosuperuser nocreatedb nocreaterole noreplication password {};\n",
            literal(password),
        ));
    }
    for (setting, value) in ROLE_LIMITS {
        let role = identifier(&secrets.service);
        text.push_str(&format!("alter role {role} set {setting} = {};\n", literal(value)));
    }
    text.push_str(&format!(
        "alter role {} set lock_timeout = {};\n",
        identifier(&owner),
        literal(OWNER_LOCK_TIMEOUT)
    ));
    text
}

/// Only the service's own two roles may connect.
pub(super) fn connect_rights_sql(database: &str, service: &str) -> String {
    let (database, role) = (identifier(database), identifier(service));
    format!("revoke all on database {database} from public; grant connect on database {database} to {role};")
}

/// The owner owns the schema; the run-time role may use it and gets row rights on whatever the owner will create.
pub(super) fn schema_rights_sql(service: &str) -> String {
    let (owner, role) = (identifier(&owner_role(service)), identifier(service));
    format!(
        "alter schema public owner to {owner};
         revoke all on schema public from public;
         grant usage on schema public to {role};
         alter default privileges for role {owner} in schema public grant select, insert, update, delete on tables to {role};
         alter default privileges for role {owner} in schema public grant usage, select on sequences to {role};
         alter default privileges for role {owner} revoke execute on functions from public;
         alter default privileges for role {owner} in schema public grant execute on functions to {role};"
    )
}

/// Row rights on what exists already, and the migration history to read only: a service checks it and never changes it.
pub(super) fn table_rights_sql(service: &str) -> String {
    let role = identifier(service);
    format!(
        "grant select, insert, update, delete on all tables in schema public to {role};
         grant usage, select on all sequences in schema public to {role};
         revoke insert, update, delete on _sqlx_migrations from {role};"
    )
}

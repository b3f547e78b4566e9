//! Who answers: the version, the role in the replication, and whether the login may do more than it has to.

use trunkline_core::{Proof, Result};

use super::session::Session;

/// Predefined roles whose members reach beyond the database (documentation of PostgreSQL, 22.5 "Predefined Roles").
const ASK: &str = "SELECT current_setting('server_version'), pg_is_in_recovery(), current_setting('is_superuser'), \
    current_user, (SELECT string_agg(rolname, ', ' ORDER BY rolname) FROM pg_catalog.pg_roles \
    WHERE rolname IN ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program') \
    AND pg_has_role(oid, 'USAGE'))";

impl Session {
    /// Asks who answers, in one round trip.
    pub(super) async fn proof(&mut self) -> Result<Proof> {
        let row = self.asked(ASK).await?.pop().unwrap_or_default();
        let mut values = row.into_iter();
        let mut next = || values.next().flatten().unwrap_or_default();
        let (version, standby, superuser, user, roles) = (next(), next(), next(), next(), next());
        let mut proof = Proof::ANSWERED
            .fact("version", version)
            .fact("role", if standby == "t" { "standby" } else { "primary" })
            .fact("user", user.clone());
        if self.pooled {
            proof = proof.fact("pooler", "transaction");
        }
        proof.warning = match (superuser == "on", roles.is_empty()) {
            (true, _) => Some(format!(
                "the role {user} is a superuser, who may read files and run programs at the server, also where the \
                 integration is read only; use one that may do only what is needed"
            )),
            (false, false) => Some(format!(
                "the role {user} reaches files or programs of the server as a member of {roles}; use one that may do \
                 only what is needed"
            )),
            (false, true) => None,
        };
        Ok(proof)
    }
}

//! Connections of a manager: added, replaced, removed, listed, and opened at their first call.

use std::sync::Arc;

use trunkline_core::{Call, Error, IntegrationId, Kind, Operation, Outcome, Reply, Result, now_ms};
use trunkline_store::{Part, PartKind, Stored};

use crate::{
    Connection, ConnectionConfig, Handle, Health, Manager, Removed, Source, connection_config::may_be_name,
    connection_entry::Kept, registry::Registry, site::DEFAULT_CONNECTION, tenant::merged, version::Version,
};

/// What became of a connection that was added or replaced.
#[derive(Debug)]
pub struct Connected {
    /// Its name.
    pub name: Arc<str>,
    /// Which version of the configuration this is.
    pub generation: u64,
    /// What its owner should know.
    pub warnings: Vec<String>,
}

impl Manager {
    /// A connection of an integration, opened if it was not: a handle with credentials, limits and a cache of its own.
    /// Once it is open, this takes no more than a look. `default` is the integration itself.
    ///
    /// # Errors
    ///
    /// `unknown_integration`, `unknown_connection`; `invalid_config` where it does not open, naming the key;
    /// `store_unavailable`.
    pub async fn connection(&self, id: &str, name: &str) -> Result<Arc<Handle>> {
        let base = self.get(id)?;
        if name == DEFAULT_CONNECTION {
            return Ok(base);
        }
        match self.registry().opened.get(&base, name) {
            Some(handle) => Ok(handle),
            // Boxed, so that calls that find it open do not carry its room.
            None => Box::pin(self.open_connection(id, name)).await,
        }
    }

    /// Calls an integration with the credentials of a connection.
    ///
    /// # Errors
    ///
    /// As [`Manager::connection`], and whatever the pipeline says.
    pub async fn call_for(
        &self,
        id: &str,
        connection: &str,
        operation: impl Into<Operation>,
    ) -> Result<Reply> {
        let handle = self.connection(id, connection).await?;
        handle.call(&mut Call::new(handle.id().clone(), operation)).await
    }

    /// How a connection is; as [`Manager::health`] for an integration.
    ///
    /// # Errors
    ///
    /// As [`Manager::connection`].
    pub async fn connection_health(&self, id: &str, name: &str) -> Result<Health> {
        let handle = self.connection(id, name).await?;
        Ok(Health::of(&handle, self.limits().one).await)
    }

    /// What is known of how a connection is, without asking its service: from calls, and from those who asked before.
    ///
    /// # Errors
    ///
    /// As [`Manager::connection`].
    pub async fn known_connection_health(&self, id: &str, name: &str) -> Result<Health> {
        Ok(Health::known_of(&*self.connection(id, name).await?).await)
    }

    /// Adds a connection to an integration, whoever owns that. Nothing is sent.
    ///
    /// # Errors
    ///
    /// `unknown_integration`; `invalid_config` or `unsupported` where it does not open together with the integration,
    /// naming the key; `conflict` when the name is taken; `store_unavailable`. In each case nothing has changed,
    /// unless the error's outcome is `unknown`.
    pub async fn add_connection(&self, id: &str, config: ConnectionConfig) -> Result<Connected> {
        self.put_connection(id, config, None).await
    }

    /// Replaces a connection. `expected` is the generation that was read; `None` takes any. Calls under way end as
    /// they would have.
    ///
    /// # Errors
    ///
    /// As [`Manager::add_connection`]; `unknown_connection`, and `conflict` when it has changed since.
    pub async fn replace_connection(
        &self,
        id: &str,
        config: ConnectionConfig,
        expected: Option<u64>,
    ) -> Result<Connected> {
        let expected = match expected {
            Some(expected) => expected,
            None => self.part(&*self.get(id)?, config.name()).await?.generation,
        };
        self.put_connection(id, config, Some(expected)).await
    }

    /// Removes a connection with its secrets and what was granted to it. Calls under way end as they would have. An
    /// account that was connected is given up first, for 5 seconds at most; whatever its provider says, it is removed.
    ///
    /// # Errors
    ///
    /// `unknown_integration`, `unknown_connection`; `conflict` when it has changed since `expected`;
    /// `store_unavailable`.
    pub async fn remove_connection(&self, id: &str, name: &str, expected: Option<u64>) -> Result<Removed> {
        named(&*self.get(id)?, name)?;
        // One that is too damaged to say its generation can still be removed.
        let expected = expected.filter(|generation| *generation != 0);
        let (this, id, name) = (self.clone(), id.to_owned(), name.to_owned());
        to_its_end(async move {
            // Others may write meanwhile.
            let revoked = this.give_up_one(&id, &name, expected).await;
            let registry = this.registry();
            let _writing = registry.writing().await;
            let base = this.get(&id)?;
            let _turn = registry.opened.turn(&id, &name).await;
            let part = Part { kind: PartKind::Connection, integration: base.id(), connection: &name };
            let deleted = registry.shared.store.delete_part(part, expected).await;
            // Where nobody knows whether it was deleted, the next call finds out.
            if let Some(gone) = registry.opened.forget(base.id(), &name) {
                gone.close().await;
            }
            deleted.map(|()| Removed { revoked })
        })
        .await
    }

    /// The connections of an integration in the order of their names, from the first one after `after` (which may be
    /// empty); at most `most` of them, `default` not among these. None of them is opened.
    ///
    /// # Errors
    ///
    /// `unknown_integration`; `store_unavailable`. One that is damaged says so in its `config`.
    pub async fn connections(&self, id: &str, after: &str, most: u32) -> Result<Vec<Connection>> {
        let base = self.get(id)?;
        let stored = self.registry().shared.store.parts(PartKind::Connection, base.id(), after, most).await?;
        Ok(stored.into_iter().map(Connection::of).collect())
    }

    /// One of them as it is listed, `default` too.
    ///
    /// # Errors
    ///
    /// `unknown_integration`, `unknown_connection`; `store_unavailable`.
    pub async fn connection_entry(&self, id: &str, name: &str) -> Result<Connection> {
        let base = self.get(id)?;
        if name == DEFAULT_CONNECTION {
            return Ok(Connection::default_of(&base));
        }
        Ok(Connection::of(self.part(&base, name).await?))
    }

    /// What limits a connection now; `None` where it is not open.
    pub fn connection_state(&self, id: &str, name: &str) -> Option<crate::FlowState> {
        let base = self.get(id).ok()?;
        if name == DEFAULT_CONNECTION {
            return base.state();
        }
        self.registry().opened.get(&base, name)?.state()
    }

    /// Forgets the replies that are kept for an integration, those of its connections too.
    ///
    /// # Errors
    ///
    /// `unknown_integration`.
    pub fn clear_cache(&self, id: &str) -> Result<()> {
        let base = self.get(id)?;
        base.clear_cache();
        let mut opened = self.registry().opened.all();
        opened.retain(|handle| handle.id() == base.id());
        opened.iter().for_each(|handle| handle.clear_cache());
        Ok(())
    }

    async fn open_connection(&self, id: &str, name: &str) -> Result<Arc<Handle>> {
        named(&*self.get(id)?, name)?;
        let registry = self.registry();
        let _turn = registry.opened.turn(id, name).await;
        // As it is now that it is our turn.
        let base = self.get(id)?;
        if let Some(handle) = registry.opened.get(&base, name) {
            return Ok(handle);
        }
        let stored = match self.part(&base, name).await {
            Err(error) if error.kind() == Kind::UnknownConnection => {
                registry.opened.forget(id, name);
                return Err(error);
            }
            stored => stored?,
        };
        let kept = Kept::of(stored)?;
        let handle = Arc::new(registry.open(&base, &kept).map_err(|error| about(error, base.id(), name))?);
        registry.opened.put(&base, kept.config.name().clone(), handle.clone());
        Ok(handle)
    }

    async fn put_connection(
        &self,
        id: &str,
        mut config: ConnectionConfig,
        expected: Option<u64>,
    ) -> Result<Connected> {
        let writing = self.registry().writing().await;
        let base = self.get(id)?;
        let before = match expected {
            Some(_) => self.part(&base, config.name()).await?.document.ok(),
            None => None,
        };
        // One that cannot be read shows nothing, and what replaces it is judged by itself.
        let before = before.and_then(|before| ConnectionConfig::from_stored(&before).ok());
        config.disclose(&base.config()?, before.as_ref());
        let turn = self.registry().opened.turn(id, config.name()).await;
        let kept = Kept { config, generation: 0, updated_at_ms: now_ms() };
        let handle = self.registry().open(&base, &kept)?;
        let config = kept.config;
        let warnings = self.warnings(&base, &config)?;
        let registry = self.registry().clone();
        to_its_end(async move {
            let _turns = (writing, turn);
            let part = Part { kind: PartKind::Connection, integration: base.id(), connection: config.name() };
            let put = registry.shared.store.put_part(part, expected, config.text().as_bytes()).await;
            let open = registry.opened.any(base.id(), config.name()).is_some();
            match put {
                Ok(generation) => {
                    // One that nobody has called stays closed: there may be a hundred thousand of them.
                    if open {
                        registry.opened.put(&base, config.name().clone(), Arc::new(handle.at(generation)));
                    }
                    Ok(Connected { name: config.name().clone(), generation, warnings })
                }
                Err(error) => {
                    // Where nobody knows whether it was stored, the next call finds out.
                    if error.outcome() == Outcome::Unknown {
                        registry.opened.forget(base.id(), config.name());
                    }
                    Err(error)
                }
            }
        })
        .await
    }

    fn warnings(&self, base: &Handle, config: &ConnectionConfig) -> Result<Vec<String>> {
        let integration = base.config()?;
        let mut warnings = merged(&integration, config)?.0.warnings();
        let unused = config.unused(&integration).into_iter();
        warnings
            .extend(unused.map(|name| format!("values.{name}: the integration has no placeholder for it")));
        Ok(warnings)
    }

    async fn part(&self, base: &Handle, name: &str) -> Result<Stored> {
        named(base, name)?;
        let part = Part { kind: PartKind::Connection, integration: base.id(), connection: name };
        self.registry().shared.store.part(part).await?.ok_or_else(|| unknown(base.id(), name))
    }
}

impl Registry {
    /// Opens a connection, with what is known of its service from before.
    fn open(&self, base: &Handle, kept: &Kept) -> Result<Handle> {
        let (config, tenant) = merged(&base.config()?, &kept.config)?;
        let version =
            Version { source: Source::Store, generation: kept.generation, updated_at_ms: kept.updated_at_ms };
        let before = self.opened.any(base.id(), kept.config.name());
        Handle::open_for(Some(tenant), &config, &self.shared, version, before.as_deref())
    }
}

/// Refuses names that no connection of the store can have.
fn named(base: &Handle, name: &str) -> Result<()> {
    if name == DEFAULT_CONNECTION {
        return Err(Error::new(
            Kind::Conflict,
            "the connection `default` is the integration as it is configured; change that, or switch it off",
        ));
    }
    if may_be_name(name) { Ok(()) } else { Err(unknown(base.id(), name)) }
}

fn unknown(integration: &IntegrationId, name: &str) -> Error {
    let error = Error::new(Kind::UnknownConnection, "no such connection; list them to see which there are");
    about(error, integration, name)
}

fn about(error: Error, integration: &IntegrationId, name: &str) -> Error {
    let shown: String = name.chars().filter(|c| !c.is_control()).take(128).collect();
    error.with("integration", &**integration).with("connection", shown)
}

/// Runs a change to its end, even if its caller goes away: the store and what is open must not part.
pub(crate) async fn to_its_end<T: Send + 'static>(
    change: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let change = tokio::spawn(change).await;
    change.unwrap_or_else(|_| Err(Error::new(Kind::Internal, "the change did not run to its end")))
}

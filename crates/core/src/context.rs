//! `Context`: the resources that transports and schemes use, handed down and never global.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use crate::{Egress, Error, Journal, Kind, Result, Web};

/// What is handed down to every transport and scheme.
#[derive(Clone)]
pub struct Context {
    /// Which addresses may be dialled.
    pub egress: Arc<Egress>,
    /// Behind one pointer: every integration has a copy.
    rest: Arc<Rest>,
}

#[derive(Default, Clone)]
struct Rest {
    web: Option<Arc<dyn Web>>,
    databases: Option<PathBuf>,
    instance: Option<Arc<str>>,
    journal: Option<Arc<dyn Journal>>,
    shared: Arc<Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>>,
}

impl Context {
    /// A context with this guard.
    pub fn new(egress: Arc<Egress>) -> Self {
        Self { egress, rest: Arc::default() }
    }

    /// The same, with a port for schemes that ask others for their credentials.
    #[must_use]
    pub fn with_web(self, web: Arc<dyn Web>) -> Self {
        let rest = Rest { web: Some(web), ..(*self.rest).clone() };
        Self { rest: Arc::new(rest), ..self }
    }

    /// The same, with the only folder that may hold databases which are files.
    #[must_use]
    pub fn with_databases(self, folder: PathBuf) -> Self {
        let rest = Rest { databases: Some(folder), ..(*self.rest).clone() };
        Self { rest: Arc::new(rest), ..self }
    }

    /// The same, which is told from all others, also after a restart, by `instance`. No two that run at a time may have the same.
    #[must_use]
    pub fn with_instance(self, instance: impl Into<Arc<str>>) -> Self {
        let rest = Rest { instance: Some(instance.into()), ..(*self.rest).clone() };
        Self { rest: Arc::new(rest), ..self }
    }

    /// The same, with where an integration notes what people should know and was no call.
    #[must_use]
    pub fn with_journal(self, journal: Arc<dyn Journal>) -> Self {
        let rest = Rest { journal: Some(journal), ..(*self.rest).clone() };
        Self { rest: Arc::new(rest), ..self }
    }

    /// One with this guard that shares nothing of what is made on first use, and is nobody that was there before; ports and
    /// folders are the same.
    #[must_use]
    pub fn apart(&self, egress: Arc<Egress>) -> Self {
        let rest = Rest { shared: Arc::default(), instance: None, journal: None, ..(*self.rest).clone() };
        Self { egress, rest: Arc::new(rest) }
    }

    /// The only folder that may hold databases which are files; `None` where they may be anywhere.
    pub fn databases(&self) -> Option<&Path> {
        self.rest.databases.as_deref()
    }

    /// What tells this from all others, also after a restart; `None` where nothing does.
    pub fn instance(&self) -> Option<&str> {
        self.rest.instance.as_deref()
    }

    /// Where an integration notes what people should know; `None` where nobody reads it.
    pub fn journal(&self) -> Option<&Arc<dyn Journal>> {
        self.rest.journal.as_ref()
    }

    /// The port through which schemes speak HTTP.
    ///
    /// # Errors
    ///
    /// `internal` where there is none, as in a test that did not set one.
    pub fn web(&self) -> Result<&dyn Web> {
        self.rest
            .web
            .as_deref()
            .ok_or_else(|| Error::new(Kind::Internal, "no port for HTTP was set up for schemes"))
    }

    /// The one `T` of this context, made on first use: a pool, for instance, that all integrations of a
    /// transport share. Asked for when an integration is opened, not on every call.
    pub fn shared<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let mut shared = self.rest.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = shared.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(T::default())).clone();
        drop(shared);
        entry.downcast().expect("an entry has the type of its key")
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("egress", &self.egress).finish_non_exhaustive()
    }
}

//! `Fixed`: a credential that does not expire, and `Static`, the scheme of all that send one. A secret that is
//! kept in the environment or a file is read again now and then, and at once when the service refuses it, so
//! that it can be rotated outside.

use std::{fmt, marker::PhantomData, sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use http::HeaderMap;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use trunkline_core::{Context, Credential, Form, Result, Scheme, Secret, Site};

/// How long a reference is not read again: long enough to cost nothing, short enough to wait for.
const FRESH: Duration = Duration::from_secs(5);

/// Makes the form from the exposed secret.
type Make = Box<dyn Fn(&str) -> Result<Form> + Send + Sync>;

/// The `auth_config` of a scheme that sends one secret, in some form.
pub trait OneSecret: DeserializeOwned + JsonSchema + 'static {
    /// The `auth_type` in a configuration.
    const NAME: &'static str;

    /// Says which secret is sent, and how.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key.
    fn open(self) -> Result<Fixed>;
}

/// The scheme that is configured with `C`.
pub struct Static<C>(Fixed, PhantomData<fn() -> C>);

impl<C: OneSecret> Scheme for Static<C> {
    const NAME: &'static str = C::NAME;
    type Config = C;

    fn open(config: C, _: &Site) -> Result<Self> {
        Ok(Self(config.open()?, PhantomData))
    }

    fn ready(&self) -> Option<Arc<Credential>> {
        self.0.ready()
    }

    async fn credential(&self, _: &Context) -> Result<Option<Arc<Credential>>> {
        self.0.read().map(Some)
    }

    async fn rejected(&self, credential: &Arc<Credential>, _: &HeaderMap) {
        self.0.rejected(credential);
    }
}

impl<C> fmt::Debug for Static<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A credential made from one secret.
pub struct Fixed {
    secret: Secret,
    make: Make,
    current: ArcSwapOption<Current>,
}

struct Current {
    credential: Arc<Credential>,
    read: Instant,
}

impl Fixed {
    /// Makes credentials from `secret` with `make`. A literal secret is checked now; a reference when
    /// it is first used, since it may not be there yet.
    pub(crate) fn new(
        secret: Secret,
        make: impl Fn(&str) -> Result<Form> + Send + Sync + 'static,
    ) -> Result<Self> {
        let fixed = Self { secret, make: Box::new(make), current: ArcSwapOption::empty() };
        if !fixed.secret.is_reference() {
            fixed.read()?.header()?;
        }
        Ok(fixed)
    }

    /// The credential, if nothing has to be read for it.
    pub(crate) fn ready(&self) -> Option<Arc<Credential>> {
        let current = self.current.load();
        let current = current.as_ref()?;
        let fresh = !self.secret.is_reference() || current.read.elapsed() < FRESH;
        fresh.then(|| current.credential.clone())
    }

    /// The credential, read again. While what it says is the same, so is the credential.
    pub(crate) fn read(&self) -> Result<Arc<Credential>> {
        let made = (self.make)(&self.secret.expose()?)?;
        let held = self.current.load();
        let credential = match held.as_ref() {
            Some(held) if same(held.credential.form(), &made)? => held.credential.clone(),
            _ => Arc::new(Credential::new(made)),
        };
        let current = Current { credential: credential.clone(), read: Instant::now() };
        self.current.store(Some(Arc::new(current)));
        Ok(credential)
    }

    /// The service refused `credential`: a reference is read again by the next caller.
    pub(crate) fn rejected(&self, credential: &Arc<Credential>) {
        let held = self.current.load();
        if self.secret.is_reference()
            && held.as_ref().is_some_and(|held| Arc::ptr_eq(&held.credential, credential))
        {
            let _ = self.read();
        }
    }
}

/// Whether two forms say the same. Names do not change.
pub(crate) fn same(one: &Form, other: &Form) -> Result<bool> {
    Ok(match (one, other) {
        (Form::Basic { user, password }, Form::Basic { user: user2, password: password2 }) => {
            user == user2 && password.expose()? == password2.expose()?
        }
        (Form::Header { value, .. }, Form::Header { value: value2, .. })
        | (Form::Query { value, .. }, Form::Query { value: value2, .. })
        | (Form::Cookie { value, .. }, Form::Cookie { value: value2, .. })
        | (Form::Bearer(value), Form::Bearer(value2)) => value.expose()? == value2.expose()?,
        _ => false,
    })
}

impl fmt::Debug for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.secret, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(fixed: &Fixed) -> String {
        let credential = fixed.ready().unwrap_or_else(|| fixed.read().unwrap());
        credential.header().unwrap().unwrap().1.to_str().unwrap().to_owned()
    }

    #[tokio::test(start_paused = true)]
    async fn a_changed_file_is_seen_after_a_while_and_at_once_when_the_service_refuses() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "one").unwrap();
        let secret = Secret::new(format!("${{file:{}}}", file.path().display()));
        let fixed = Fixed::new(secret, |token| Ok(Form::Bearer(Secret::literal(token)))).unwrap();
        assert_eq!(token(&fixed), "Bearer one");

        std::fs::write(&file, "two").unwrap();
        assert_eq!(token(&fixed), "Bearer one", "not read for every call");
        tokio::time::advance(FRESH).await;
        assert_eq!(token(&fixed), "Bearer two");

        std::fs::write(&file, "three").unwrap();
        fixed.rejected(&fixed.ready().unwrap());
        assert_eq!(token(&fixed), "Bearer three");
        let same = fixed.ready().unwrap();
        fixed.rejected(&same);
        assert!(Arc::ptr_eq(&same, &fixed.ready().unwrap()), "the same secret is the same credential");
    }
}

//! `basic`: user and password (RFC 7617).

use std::sync::Arc;

use http::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;
use trunkline_core::{Context, Credential, Error, Form, Result, Scheme, Secret};

use crate::fixed::Fixed;

/// Sends `Authorization: Basic base64(username:password)`, in UTF-8.
#[derive(Debug)]
pub struct Basic(Fixed);

/// `auth_config` of `basic`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The user, without a colon. Some vendors put an API key here, so it is kept as a secret.
    username: Secret,
    /// The password, which may be empty.
    #[serde(default = "empty")]
    password: Secret,
}

fn empty() -> Secret {
    Secret::new("")
}

impl Scheme for Basic {
    const NAME: &'static str = "basic";
    type Config = Config;

    fn open(Config { username, password }: Config) -> Result<Self> {
        let make = move |user: &str, password: &Secret| {
            // RFC 7617 section 2: the first colon ends the user.
            if user.contains(':') {
                return Err(Error::invalid(
                    "username: a colon cannot stand in the username of basic authentication",
                ));
            }
            Ok(Form::Basic { user: user.to_owned(), password: password.clone() })
        };
        // The one of the two that is kept elsewhere is the one to read again.
        if username.is_reference() && !password.is_reference() {
            Fixed::new(username, move |user| make(user, &password)).map(Self)
        } else {
            let user = username;
            Fixed::new(password, move |password| make(&user.expose()?, &Secret::literal(password))).map(Self)
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn open(username: &str, password: &str) -> Result<Basic> {
        Basic::open(Config { username: Secret::new(username), password: Secret::new(password) })
    }

    #[test]
    fn a_user_without_a_password_is_what_stripe_wants() {
        let credential = open("sk_test", "").unwrap().ready().unwrap();
        assert_eq!(credential.header().unwrap().unwrap().1, "Basic c2tfdGVzdDo=");
    }

    #[test]
    fn a_colon_in_the_user_is_refused_and_one_in_the_password_is_not() {
        assert!(open("a:b", "c").unwrap_err().message().contains("colon"));
        assert!(open("a", "b:c").is_ok());
    }
}

//! `basic`: user and password (RFC 7617).

use schemars::JsonSchema;
use serde::Deserialize;
use trunkline_core::{Error, Form, Result, Secret};

use crate::fixed::{Fixed, OneSecret};

/// Sends `Authorization: Basic base64(username:password)`, in UTF-8.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// The user, without a colon. Some vendors put an API key here, so it is kept as a secret.
    username: Secret,
    /// The password, which may be empty.
    #[serde(default = "empty")]
    password: Secret,
}

fn empty() -> Secret {
    Secret::new("")
}

impl OneSecret for Basic {
    const NAME: &'static str = "basic";

    fn open(self) -> Result<Fixed> {
        let Self { username, password } = self;
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
            Fixed::new(username, move |user| make(user, &password))
        } else {
            let user = username;
            Fixed::new(password, move |password| make(&user.expose()?, &Secret::literal(password)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(username: &str, password: &str) -> Result<Fixed> {
        Basic { username: Secret::new(username), password: Secret::new(password) }.open()
    }

    #[test]
    fn a_user_without_a_password_is_what_stripe_wants() {
        let credential = open("sk_test", "").unwrap().ready().unwrap();
        assert_eq!(credential.header().unwrap().unwrap().1, "Basic c2tfdGVzdDo=");
    }

    #[test]
    fn a_user_who_changes_beside_the_same_password_is_seen() {
        let file = |text: &str| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(&file, text).unwrap();
            file
        };
        let (user, password) = (file("one"), file("p"));
        let reference = |file: &tempfile::NamedTempFile| format!("${{file:{}}}", file.path().display());
        let fixed = open(&reference(&user), &reference(&password)).unwrap();
        let sent = || fixed.read().unwrap().header().unwrap().unwrap().1.clone();
        assert_eq!(sent(), "Basic b25lOnA=");
        std::fs::write(&user, "two").unwrap();
        assert_eq!(sent(), "Basic dHdvOnA=");
    }

    #[test]
    fn a_colon_in_the_user_is_refused_and_one_in_the_password_is_not() {
        assert!(open("a:b", "c").unwrap_err().message().contains("colon"));
        assert!(open("a", "b:c").is_ok());
    }
}

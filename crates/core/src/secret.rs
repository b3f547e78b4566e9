//! `Secret`: a value that is masked wherever it is printed or serialised, and zeroed when dropped.

use std::{borrow::Cow, fmt, ops::Deref};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::{Error, Result};

/// What stands in the place of a secret in anything that is printed or sent to a client. Sent back in
/// a replacement, it means "keep what is stored".
pub const MASK: &str = "********";

/// A secret, or a reference to where it is kept: `${env:NAME}` or `${file:/run/secrets/name}`.
///
/// `Debug`, `Display` and `Serialize` give [`MASK`]; [`Secret::expose`] is called only where bytes go
/// on a wire.
#[derive(Clone)]
pub struct Secret(Source);

#[derive(Clone)]
enum Source {
    Literal(Zeroizing<String>),
    Env(Box<str>),
    File(Box<str>),
}

impl Secret {
    /// Takes a literal value or a reference.
    pub fn new(value: impl Into<String>) -> Self {
        let value = Zeroizing::new(value.into());
        Self(match reference(&value) {
            Some(("env", name)) => Source::Env(name.into()),
            Some((_, path)) => Source::File(path.into()),
            None => Source::Literal(value),
        })
    }

    /// Takes a value that was already read from where it is kept: nothing in it is a reference.
    pub fn literal(value: impl Into<String>) -> Self {
        Self(Source::Literal(Zeroizing::new(value.into())))
    }

    /// The value itself. A reference is read now, so that a changed file or variable is seen; one
    /// trailing line break of a file is not part of the secret.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the variable or the file, when a reference leads nowhere.
    pub fn expose(&self) -> Result<Exposed<'_>> {
        match &self.0 {
            Source::Literal(value) => Ok(Exposed::from(&***value)),
            // Trunkline's own settings hold the master key and the API token: no integration may send them out.
            Source::Env(name) if name.starts_with("TRUNKLINE_") => {
                Err(Error::invalid(format!("${{env:{name}}} is Trunkline's own; name another variable")))
            }
            Source::Env(name) => std::env::var(&**name).map(Exposed::read).map_err(|_| {
                Error::invalid(format!(
                    "${{env:{name}}} is not set; set {name} in the environment of Trunkline"
                ))
            }),
            Source::File(path) => match std::fs::read_to_string(&**path) {
                Ok(mut text) => {
                    let end =
                        text.strip_suffix('\n').map(|rest| rest.strip_suffix('\r').unwrap_or(rest).len());
                    text.truncate(end.unwrap_or(text.len()));
                    Ok(Exposed::read(text))
                }
                Err(error) => {
                    Err(Error::invalid(format!("${{file:{path}}} cannot be read: {}", error.kind())))
                }
            },
        }
    }

    /// Whether the value is kept elsewhere and may change without notice.
    pub fn is_reference(&self) -> bool {
        !matches!(self.0, Source::Literal(_))
    }
}

/// What a secret holds, for as long as it is needed: one that was read for this is zeroed when dropped.
pub struct Exposed<'a>(Text<'a>);

enum Text<'a> {
    Held(&'a str),
    Read(Zeroizing<String>),
}

impl Exposed<'_> {
    fn read(text: String) -> Self {
        Self(Text::Read(Zeroizing::new(text)))
    }

    /// The text for whoever keeps it, and has to see to its end.
    pub fn into_owned(self) -> String {
        match self.0 {
            Text::Held(text) => text.to_owned(),
            Text::Read(mut text) => std::mem::take(&mut *text),
        }
    }
}

impl<'a> From<&'a str> for Exposed<'a> {
    fn from(text: &'a str) -> Self {
        Self(Text::Held(text))
    }
}

impl From<Exposed<'_>> for String {
    fn from(exposed: Exposed<'_>) -> Self {
        exposed.into_owned()
    }
}

impl Deref for Exposed<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.0 {
            Text::Held(text) => text,
            Text::Read(text) => text,
        }
    }
}

impl<T: AsRef<str> + ?Sized> PartialEq<T> for Exposed<'_> {
    fn eq(&self, other: &T) -> bool {
        **self == *other.as_ref()
    }
}

impl AsRef<str> for Exposed<'_> {
    fn as_ref(&self) -> &str {
        self
    }
}

impl fmt::Display for Exposed<'_> {
    /// The text itself: it was exposed to be written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Exposed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Splits `${env:NAME}` or `${file:PATH}` into its two words.
fn reference(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.strip_prefix("${")?.strip_suffix('}')?.split_once(':')?;
    (matches!(scheme, "env" | "file") && !rest.is_empty()).then_some((scheme, rest))
}

/// Replaces each `${env:NAME}` and `${file:PATH}` inside `text`; other text stays as it is.
///
/// # Errors
///
/// As [`Secret::expose`].
pub(crate) fn resolve(text: &str) -> Result<Cow<'_, str>> {
    if !text.contains("${") {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.find('}').map_or(rest.len(), |end| end + 1);
        match reference(&rest[..end]) {
            Some(_) => out.push_str(&Secret::new(&rest[..end]).expose()?),
            None => out.push_str(&rest[..end]),
        }
        rest = &rest[end..];
    }
    out.push_str(rest);
    Ok(Cow::Owned(out))
}

/// Whether a header, query parameter or cookie of this name usually carries a credential, so that its
/// value is masked. A guess on the safe side: a masked `x-idempotency-key` does no harm.
pub fn is_sensitive_name(name: &str) -> bool {
    const WORDS: [&str; 9] =
        ["auth", "cookie", "key", "token", "secret", "password", "passwd", "signature", "credential"];
    let name = name.to_ascii_lowercase();
    WORDS.iter().any(|word| name.contains(word))
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer).map(Secret::new)
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn inline_schema() -> bool {
        true
    }

    /// `writeOnly` is what the masking of configurations goes by.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "password", "writeOnly": true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_masked_in_everything_that_prints() {
        let secret = Secret::new("hunter2");
        assert_eq!(
            format!("{secret:?} {secret} {}", serde_json::to_string(&secret).unwrap()),
            "******** ******** \"********\""
        );
        assert_eq!(secret.expose().unwrap(), "hunter2");
        assert_eq!(format!("{:?}", secret.expose().unwrap()), MASK);
    }

    #[test]
    fn a_file_reference_is_read_when_used_and_loses_one_line_break() {
        let path = std::env::temp_dir().join(format!("trunkline-secret-{}", std::process::id()));
        std::fs::write(&path, "one\n").unwrap();
        let secret = Secret::new(format!("${{file:{}}}", path.display()));
        assert_eq!(secret.expose().unwrap(), "one");
        std::fs::write(&path, "two\r\n").unwrap();
        assert_eq!(secret.expose().unwrap(), "two");
        std::fs::remove_file(&path).unwrap();
        assert!(secret.expose().unwrap_err().message().contains("cannot be read"));
    }

    #[test]
    fn a_missing_variable_is_named() {
        let error = Secret::new("${env:NO_SUCH_VARIABLE}").expose().unwrap_err();
        assert!(error.message().contains("NO_SUCH_VARIABLE"), "{error}");
    }

    #[test]
    fn text_that_only_looks_like_a_reference_is_a_literal() {
        for text in ["${env:}", "${vault:x}", "${env:A", "$env:A", "${}"] {
            assert_eq!(Secret::new(text).expose().unwrap(), text);
            assert_eq!(resolve(text).unwrap(), text);
        }
    }
}

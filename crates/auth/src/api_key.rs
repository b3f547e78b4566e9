//! `api_key`: a key in a header, the query or a cookie.

use schemars::JsonSchema;
use serde::Deserialize;
use trunkline_core::{Error, Result, Secret};

use crate::{
    fixed::{Fixed, OneSecret},
    place::Place,
};

/// Sends a key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKey {
    /// The key.
    key: Secret,
    /// The header it goes into; `X-API-Key` when nothing else is named.
    header: Option<String>,
    /// The query parameter it goes into, instead of a header.
    query: Option<String>,
    /// The cookie it goes into, instead of a header.
    cookie: Option<String>,
    /// What is sent, with `{key}` in the place of the key, such as `Bearer {key}`.
    format: Option<Secret>,
}

impl OneSecret for ApiKey {
    const NAME: &'static str = "api_key";

    fn open(self) -> Result<Fixed> {
        let place = Place::new(self.header.as_deref(), self.query, self.cookie, "X-API-Key")?;
        let format = self.format;
        Fixed::new(self.key, move |key| {
            let value = Secret::literal(formatted(format.as_ref(), key)?);
            Ok(place.form(value))
        })
    }
}

/// What is sent for `key`. A format may also spell the key out, as configurations written by hand do.
fn formatted(format: Option<&Secret>, key: &str) -> Result<String> {
    if key.is_empty() {
        return Err(Error::invalid("key: must not be empty"));
    }
    let Some(format) = format else { return Ok(key.to_owned()) };
    let format = format.expose()?;
    if format.contains("{key}") {
        Ok(format.replace("{key}", key))
    } else if format.contains(key) {
        Ok(format.into_owned())
    } else {
        Err(Error::invalid("format: must have {key} where the key goes, such as \"Bearer {key}\""))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use trunkline_core::{Form, parse};

    use super::*;

    fn sent(config: serde_json::Value) -> Result<String> {
        let scheme = parse::value::<ApiKey>(config, "")?.open()?;
        let credential = scheme.ready().unwrap();
        Ok(match credential.form() {
            Form::Query { name, value } => format!("?{name}={}", value.expose()?),
            _ => credential
                .header()?
                .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
                .unwrap(),
        })
    }

    #[test]
    fn a_key_goes_where_the_configuration_says() {
        assert_eq!(sent(json!({"key": "k"})).unwrap(), "x-api-key: k");
        assert_eq!(sent(json!({"key": "k", "header": "X-Token"})).unwrap(), "x-token: k");
        assert_eq!(sent(json!({"key": "k", "query": "appid"})).unwrap(), "?appid=k");
        assert_eq!(sent(json!({"key": "k", "cookie": "sid"})).unwrap(), "cookie: sid=k");
    }

    #[test]
    fn a_format_surrounds_the_key_or_spells_it_out() {
        let with = |format: &str| sent(json!({"key": "k1", "header": "Authorization", "format": format}));
        assert_eq!(with("Bearer {key}").unwrap(), "authorization: Bearer k1");
        assert_eq!(with("Bearer k1").unwrap(), "authorization: Bearer k1");
        assert!(with("Bearer").unwrap_err().message().contains("{key}"));
    }

    #[test]
    fn a_bad_place_is_named_and_the_key_is_not_shown() {
        for (config, word) in [
            (json!({"key": "hunter2", "header": "X Y"}), "header"),
            (json!({"key": "hunter2", "query": ""}), "query"),
            (json!({"key": "hunter2", "cookie": "a=b"}), "cookie"),
            (json!({"key": "hunter2", "header": "a", "query": "b"}), "one of"),
            (json!({"key": "", "header": "a"}), "empty"),
            (json!({"header": "a"}), "key"),
            (json!({"key": "hunter2\nx: y"}), "line break"),
            (json!({"key": "hunter2", "heder": "a"}), "header"),
        ] {
            let error = sent(config).unwrap_err();
            assert!(error.message().contains(word) && !format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }
}

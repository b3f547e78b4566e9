//! What a caller asks for in JSON as a call: an operation of the integration's type, or an action of its connector.

use serde_json::value::RawValue;
use trunkline_connectors::Connector;
use trunkline_core::{Call, Error, Kind, Result, exact, parse};

use super::Handle;
use crate::{action::Action, vendor::Vendor};

impl Handle {
    /// Turns the JSON that a caller sends into a call: of an operation of this integration's type, or, as
    /// `{"action": NAME, "input": {…}}`, of an action of its connector.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key; `unsupported` where there is no such action.
    pub fn ask(&self, request: &RawValue) -> Result<Call> {
        let plain = || self.parse(request).map(|operation| Call::new(self.id.clone(), operation));
        let Some(vendor) = self.vendor() else {
            // What a driver or a program's own transport takes may have a key of this name.
            return plain().or_else(|error| {
                if Action::of(request)?.is_some() { Err(self.idle(error)) } else { Err(error) }
            });
        };
        let actions = |error| with_actions(error, self.r#type() == "rest");
        let Some(action) = Action::of(request)? else { return plain().map_err(actions) };
        let (request, said) = action.request(vendor)?;
        let request = exact::written(&request)?;
        let mut call = Call::new(self.id.clone(), self.parse(&request).map_err(actions)?);
        said.onto(&mut call);
        Ok(call)
    }

    /// Its connector, where it has one.
    pub fn connector(&self) -> Option<&Connector> {
        self.vendor.as_ref()?.connector().ok().map(|connector| &**connector)
    }

    /// Its connector, and what that is given.
    pub(crate) fn vendor(&self) -> Option<&Vendor> {
        self.vendor.as_deref()
    }

    /// Why it has no actions, in the place of an error that takes the word for a slip.
    fn idle(&self, error: Error) -> Error {
        let message = "action: the integration names no connector, and has no actions; see /docs for what its type takes";
        if self.trouble().is_some() { error } else { Error::new(Kind::Unsupported, message) }
    }

    /// Its base URL; empty where it has none.
    pub(crate) fn base_url(&self) -> String {
        self.config().ok().and_then(|config| config.base_url()).unwrap_or_default()
    }
}

/// An error of the transport, which knows no actions, with the keys that ask for one among those that are known.
fn with_actions(error: Error, pages: bool) -> Error {
    let own: &[&str] = if pages { &["action", "input", "pages"] } else { &["action", "input"] };
    let message = error.message();
    let Some((key, rest)) = message.strip_prefix("unknown key `").and_then(|rest| rest.split_once('`'))
    else {
        return error;
    };
    let Some((near, known)) = rest.split_once("; known: ") else { return error };
    let near = match parse::nearest(key, own.iter().copied()) {
        Some(own) if near.is_empty() => format!(", did you mean `{own}`?"),
        _ => near.to_owned(),
    };
    Error::invalid(format!("unknown key `{key}`{near}; known: {}, {known}", own.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_asks_for_an_action_is_among_what_is_known() {
        let told =
            |message: &'static str, pages| with_actions(Error::invalid(message), pages).message().to_owned();
        assert_eq!(
            told("unknown key `actoin`; known: method, endpoint", true),
            "unknown key `actoin`, did you mean `action`?; known: action, input, pages, method, endpoint"
        );
        assert_eq!(
            told("unknown key `metod`, did you mean `method`?; known: method", false),
            "unknown key `metod`, did you mean `method`?; known: action, input, method"
        );
        assert_eq!(told("headers: unknown key `x`; known: y", true), "headers: unknown key `x`; known: y");
    }
}

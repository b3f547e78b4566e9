//! What a caller asks for in JSON as a call: an operation of the integration's type, or an action of its connector.

use http::Uri;
use serde_json::value::{RawValue, to_raw_value};
use trunkline_connectors::Connector;
use trunkline_core::{Call, Error, Kind, Result};

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
        let Some(action) = Action::of(request)? else { return plain() };
        let (request, said) = action.request(vendor)?;
        let request =
            to_raw_value(&request).map_err(|error| Error::invalid("the request is no JSON").source(error))?;
        let mut call = Call::new(self.id.clone(), self.parse(&request)?);
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

    /// The path of its base URL.
    pub(crate) fn base_path(&self) -> String {
        let base = self.config().ok().and_then(|config| config.base_url());
        base.and_then(|base| Some(base.parse::<Uri>().ok()?.path().to_owned())).unwrap_or_default()
    }
}

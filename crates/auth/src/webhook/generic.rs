//! Any other HMAC: a signature in a header, of what a template says.

use std::{collections::BTreeMap, time::SystemTime};

use http::{HeaderName, Uri};
use trunkline_core::{Error, Result, WireRequest};

use super::{
    Refusal, Webhook,
    claim::{Claim, header, seconds},
};
use crate::{
    encoding::Encoding,
    hmac::{Facts, Hash, Output, Template},
};

/// A signature in a header.
#[derive(Debug)]
pub(super) struct Generic {
    pub(super) header: HeaderName,
    pub(super) prefix: String,
    pub(super) output: Output,
    pub(super) algorithm: Hash,
    pub(super) encoding: Encoding,
    pub(super) sign: Template,
    pub(super) timestamp: Option<HeaderName>,
}

impl Generic {
    pub(super) fn claim(&self, webhook: &Webhook<'_>) -> Result<Claim, Refusal> {
        let value = header(webhook.headers, &self.header, "it has no signature in the header that is named")?;
        // Several where a secret is being replaced.
        let signatures = value.split(',').filter_map(|part| part.trim().strip_prefix(&*self.prefix));
        let signatures = signatures.map(|text| match self.output {
            Output::Hex => text.to_ascii_lowercase(),
            Output::HexUpper => text.to_ascii_uppercase(),
            _ => text.to_owned(),
        });
        let at = match &self.timestamp {
            None => None,
            Some(name) => {
                let text = header(webhook.headers, name, "it has no time in the header that is named")?;
                Some(seconds(text).ok_or(Refusal::Unsigned("its time is not a number of seconds"))?)
            }
        };
        Ok(Claim {
            algorithm: self.algorithm.get(),
            encoding: self.encoding,
            at,
            ..Claim::sha256(self.output, signatures.collect(), self.text(webhook)?)
        })
    }

    /// What is signed.
    fn text(&self, webhook: &Webhook<'_>) -> Result<Vec<u8>, Refusal> {
        let mut uri: Uri = webhook.url.parse().map_err(|_| Refusal::Unsigned("its URL cannot be read"))?;
        let mut headers = webhook.headers.clone();
        let request = WireRequest {
            method: webhook.method,
            uri: &mut uri,
            headers: &mut headers,
            body: Some(webhook.body),
        };
        // None of it is in the template.
        let values = BTreeMap::new();
        let facts =
            Facts { now: SystemTime::UNIX_EPOCH, nonce: "", key_id: None, values: &values, signature: "" };
        let mut text = Vec::new();
        let filled = self.sign.fill(&facts, &request, |piece| text.extend_from_slice(piece));
        filled.map_err(Refusal::Unready)?;
        Ok(text)
    }
}

/// Checks that a template has nothing of which only whoever signs knows.
pub(super) fn of_another(template: Template) -> Result<Template> {
    match template.own() {
        None => Ok(template),
        Some(name) => Err(Error::invalid(format!(
            "{{{name}}} is known to whoever signs alone; a time or an id that comes in a header is {{header:NAME}}"
        ))),
    }
}

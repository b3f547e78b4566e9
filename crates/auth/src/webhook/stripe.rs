//! Stripe: `Stripe-Signature: t=…,v1=…`, of the time, a dot and the body.
//! <https://docs.stripe.com/webhooks?verify=verify-manually>

use super::{
    Refusal, Webhook,
    claim::{Claim, header, seconds},
};
use crate::hmac::Output;

/// There is one `v1` for each secret that the endpoint has while it is rolled.
pub(super) fn claim(webhook: &Webhook<'_>) -> Result<Claim, Refusal> {
    let value = header(webhook.headers, "stripe-signature", "it has no Stripe-Signature")?;
    let parts = || value.split(',').filter_map(|part| part.trim().split_once('='));
    let time = parts().find_map(|(name, value)| (name == "t").then_some(value));
    let (Some(time), Some(at)) = (time, time.and_then(seconds)) else {
        return Err(Refusal::Unsigned("its Stripe-Signature has no time"));
    };
    let signatures = parts().filter(|(name, _)| *name == "v1").map(|(_, value)| value.to_owned()).collect();
    let text = [time.as_bytes(), b".", webhook.body].concat();
    Ok(Claim { at: Some(at), ..Claim::sha256(Output::Hex, signatures, text) })
}

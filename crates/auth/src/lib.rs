//! Auth schemes, one per file. [`SCHEMES`] names them all; adding one is a file and a line. [`Verifier`] is the other way
//! round: it checks how webhooks were signed.

mod api_key;
mod aws_sigv4;
mod basic;
mod bearer;
mod custom;
mod digest;
mod encoding;
mod endpoint;
mod entry;
mod fixed;
mod hmac;
mod jose;
mod jwt;
mod nonce;
mod none;
mod oauth2;
mod place;
mod query;
mod signed;
mod tokens;
mod webhook;

pub use api_key::ApiKey;
pub use aws_sigv4::AwsSigV4;
pub use basic::Basic;
pub use bearer::Bearer;
pub use custom::Custom;
pub use digest::Digest;
pub use entry::{Entry, Of};
pub use fixed::{Fixed, OneSecret, Static};
pub use hmac::Hmac;
pub use jwt::Jwt;
pub use none::None;
pub use oauth2::OAuth2;
pub use signed::{Signed, Signer};
pub use webhook::{Refusal, Verified, Verifier, Verify, VerifyType, Webhook, hash};

/// Every scheme that a configuration can name as `auth_type`.
pub const SCHEMES: &[&dyn Entry] = &[
    &Of::<None>::NEW,
    &Of::<Static<ApiKey>>::NEW,
    &Of::<Static<Basic>>::NEW,
    &Of::<Static<Bearer>>::NEW,
    &Of::<OAuth2>::NEW,
    &Of::<Jwt>::NEW,
    &Of::<Signed<Hmac>>::NEW,
    &Of::<Signed<AwsSigV4>>::NEW,
    &Of::<Digest>::NEW,
    &Of::<Custom>::NEW,
];

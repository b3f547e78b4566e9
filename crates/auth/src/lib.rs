//! Auth schemes, one per file. [`SCHEMES`] names them all; adding one is a file and a line.

mod api_key;
mod basic;
mod bearer;
mod custom;
mod endpoint;
mod entry;
mod fixed;
mod none;
mod oauth2;
mod place;
mod tokens;

pub use api_key::ApiKey;
pub use basic::Basic;
pub use bearer::Bearer;
pub use custom::Custom;
pub use entry::{Entry, Of};
pub use fixed::{Fixed, OneSecret, Static};
pub use none::None;
pub use oauth2::OAuth2;

/// Every scheme that a configuration can name as `auth_type`.
pub const SCHEMES: &[&dyn Entry] = &[
    &Of::<None>::NEW,
    &Of::<Static<ApiKey>>::NEW,
    &Of::<Static<Basic>>::NEW,
    &Of::<Static<Bearer>>::NEW,
    &Of::<OAuth2>::NEW,
    &Of::<Custom>::NEW,
];

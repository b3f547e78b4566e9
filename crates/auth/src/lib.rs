//! Auth schemes, one per file. [`SCHEMES`] names them all; adding one is a file and a line.

mod api_key;
mod basic;
mod bearer;
mod entry;
mod fixed;
mod none;

pub use api_key::ApiKey;
pub use basic::Basic;
pub use bearer::Bearer;
pub use entry::{Entry, Of};
pub use none::None;

/// Every scheme that a configuration can name as `auth_type`.
pub const SCHEMES: &[&dyn Entry] =
    &[&Of::<None>::NEW, &Of::<ApiKey>::NEW, &Of::<Basic>::NEW, &Of::<Bearer>::NEW];

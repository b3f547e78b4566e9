//! `Localstripe`: PyPI `localstripe`, which does what Stripe does, in a process of its own. `scripts/need.sh vendors` installs
//! it.

use crate::program::Program;

/// A Stripe that runs; it ends with this. It takes any key that begins with `sk_`.
#[derive(Debug)]
pub struct Localstripe(Program);

impl Localstripe {
    /// Starts one.
    ///
    /// # Panics
    ///
    /// Where it is not installed.
    pub fn start() -> Self {
        Self(Program::python("vendors", &["localstripe_server.py"]))
    }

    /// Its origin.
    pub fn url(&self) -> String {
        format!("http://{}", self.0.address())
    }
}

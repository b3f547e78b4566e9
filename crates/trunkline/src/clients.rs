//! Clients of vendors with types: an action is a method, its input are arguments, and what it gives is a struct. They are
//! thin: what is sent where, and what answers mean, is said by the vendor's connector alone.
//!
//! ```no_run
//! # async fn example() -> trunkline::Result<()> {
//! use trunkline::{Manager, clients::Stripe};
//!
//! let manager = Manager::builder().build().await?;
//! let stripe = Stripe::connect(&manager, "${env:STRIPE_KEY}")?;
//! let payment = stripe.create_payment_intent(1999, "usd").customer("cus_NffrFeUfNV2Hib").await?;
//! println!("{} is {}", payment.id, payment.status);
//!
//! let mut customers = stripe.list_customers().email("ann@example.com").records();
//! while let Some(customer) = customers.next().await? {
//!     println!("{}", customer.id);
//! }
//! # Ok(()) }
//! ```
//!
//! An integration that is registered already is taken with `over`, one for a tenant too, and one with settings of its own
//! is made with `open`.

#[macro_use]
mod client;
mod ask;
pub mod hubspot;
mod records;
pub mod salesforce;
pub mod stripe;
#[cfg(test)]
mod tests;
pub mod twilio;

pub use self::{hubspot::HubSpot, records::Records, salesforce::Salesforce, stripe::Stripe, twilio::Twilio};

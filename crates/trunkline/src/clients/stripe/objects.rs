//! What Stripe gives. <https://docs.stripe.com/api>

use serde::Deserialize;
use serde_json::{Map, Value};
use trunkline_core::Secret;

/// Another object: its id, or all of it where `expand` asked for it.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Expandable {
    /// Its id.
    Id(String),
    /// All of it.
    Whole(Map<String, Value>),
}

impl Expandable {
    /// Its id.
    pub fn id(&self) -> &str {
        match self {
            Self::Id(id) => id,
            Self::Whole(object) => object.get("id").and_then(Value::as_str).unwrap_or_default(),
        }
    }
}

gives! {
    /// A page of a list.
    List<T> {
        /// The objects.
        data: Vec<T>,
        /// Whether there are more after them.
        has_more: bool,
    }

    /// A page of what a search found.
    Found<T> {
        /// The objects.
        data: Vec<T>,
        /// Whether there are more after them.
        has_more: bool,
        /// What leads to them.
        next_page: Option<String>,
    }

    /// A payment on its way.
    PaymentIntent {
        /// Its id, `pi_…`.
        id: String,
        /// What is to be paid, in the smallest unit of the currency.
        amount: i64,
        /// What was paid so far.
        amount_received: Option<i64>,
        /// ISO 4217, in small letters.
        currency: String,
        /// Such as `requires_payment_method`, `requires_action`, `processing`, `succeeded` or `canceled`.
        status: String,
        /// With this a browser or an app finishes the payment. Not for logs.
        client_secret: Option<Secret>,
        /// Who pays.
        customer: Option<Expandable>,
        /// How it is paid.
        payment_method: Option<Expandable>,
        /// The charge that came of it.
        latest_charge: Option<Expandable>,
        /// What the customer has to do, by its `type`, such as `redirect_to_url`.
        next_action: Option<Value>,
        /// Why it failed last: `code`, `decline_code`, `message`.
        last_payment_error: Option<Value>,
        /// For people.
        description: Option<String>,
        /// When it was made, in seconds since 1970.
        created: i64,
        /// Whether real money is paid.
        livemode: bool,
    }

    /// Somebody who pays.
    Customer {
        /// Its id, `cus_…`.
        id: String,
        /// Their address for mail.
        email: Option<String>,
        /// Their name.
        name: Option<String>,
        /// Their number.
        phone: Option<String>,
        /// For people.
        description: Option<String>,
        /// When it was made, in seconds since 1970; not there for one that was deleted.
        created: Option<i64>,
        /// Whether it was deleted.
        #[serde(default)]
        deleted: bool,
    }

    /// That something was deleted.
    Deleted {
        /// The id that it had.
        id: String,
        /// Whether it is gone.
        deleted: bool,
    }

    /// Money that was taken.
    Charge {
        /// Its id, `ch_…` or `py_…`.
        id: String,
        /// How much, in the smallest unit of the currency.
        amount: i64,
        /// How much of it was given back.
        amount_refunded: i64,
        /// ISO 4217, in small letters.
        currency: String,
        /// `succeeded`, `pending` or `failed`.
        status: String,
        /// Whether it was paid.
        paid: bool,
        /// Whether all of it was given back.
        refunded: bool,
        /// Who paid.
        customer: Option<Expandable>,
        /// The payment that it belongs to.
        payment_intent: Option<Expandable>,
        /// Why it failed.
        failure_code: Option<String>,
        /// When it was made, in seconds since 1970.
        created: i64,
    }

    /// Money that is given back.
    Refund {
        /// Its id, `re_…`.
        id: String,
        /// How much, in the smallest unit of the currency.
        amount: i64,
        /// ISO 4217, in small letters.
        currency: String,
        /// Such as `pending`, `succeeded` or `failed`.
        status: Option<String>,
        /// The charge of which it is given back.
        charge: Option<Expandable>,
        /// The payment of which it is given back.
        payment_intent: Option<Expandable>,
        /// Why.
        reason: Option<String>,
        /// When it was made, in seconds since 1970.
        created: i64,
    }

    /// Something that happened.
    Event {
        /// Its id, `evt_…`.
        id: String,
        /// What happened, such as `payment_intent.succeeded`.
        r#type: String,
        /// The object that it happened to, as `object`, and what it was before.
        data: Value,
        /// When, in seconds since 1970.
        created: i64,
        /// The version that `data` has the shape of.
        api_version: Option<String>,
        /// Whether it is of real money.
        livemode: bool,
    }

    /// What the account has.
    Balance {
        /// What can be paid out.
        available: Vec<Funds>,
        /// What is not yet there.
        pending: Vec<Funds>,
    }

    /// Money of one currency.
    Funds {
        /// How much, in the smallest unit of the currency.
        amount: i64,
        /// ISO 4217, in small letters.
        currency: String,
    }

    /// Something that is sold.
    Product {
        /// Its id.
        id: String,
        /// Its name.
        name: String,
        /// Whether it can be bought.
        active: bool,
        /// For people.
        description: Option<String>,
        /// Its usual price.
        default_price: Option<Expandable>,
    }

    /// What a product costs.
    Price {
        /// Its id, `price_…`.
        id: String,
        /// What it is the price of.
        product: Expandable,
        /// Whether it can be used.
        active: bool,
        /// ISO 4217, in small letters.
        currency: String,
        /// How much, in the smallest unit of the currency; none where it is in steps.
        unit_amount: Option<i64>,
        /// `one_time` or `recurring`.
        r#type: String,
        /// A name by which it is found.
        lookup_key: Option<String>,
    }

    /// A bill.
    Invoice {
        /// Its id, `in_…`; none of one that is a preview.
        id: Option<String>,
        /// `draft`, `open`, `paid`, `uncollectible` or `void`.
        status: Option<String>,
        /// Who is billed.
        customer: Option<Expandable>,
        /// ISO 4217, in small letters.
        currency: String,
        /// What is to be paid, in the smallest unit of the currency.
        amount_due: i64,
        /// What was paid.
        amount_paid: i64,
        /// The page where it can be paid.
        hosted_invoice_url: Option<String>,
    }

    /// Something that is paid again and again.
    Subscription {
        /// Its id, `sub_…`.
        id: String,
        /// Such as `trialing`, `active`, `past_due` or `canceled`.
        status: String,
        /// Who pays.
        customer: Expandable,
        /// Whether it ends with the period.
        cancel_at_period_end: bool,
        /// When it was made, in seconds since 1970.
        created: i64,
    }
}

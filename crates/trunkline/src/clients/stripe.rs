//! `Stripe`: payments, customers, charges, refunds and what else the connector `stripe` does.

use serde_json::{Value, json};
use trunkline_core::Result;

pub use self::objects::{
    Balance, Charge, Customer, Deleted, Event, Expandable, Found, Funds, Invoice, List, PaymentIntent, Price,
    Product, Refund, Subscription,
};
use crate::Manager;

mod objects;

client! {
    /// Stripe's API. Amounts are in the smallest unit of a currency. <https://docs.stripe.com/api>
    Stripe of "stripe";

    /// Create a payment intent. Begins to take a payment. Other parameters of Stripe's are sent along. <https://docs.stripe.com/api/payment_intents/create>
    create_payment_intent => CreatePaymentIntent(amount: u64, currency: &str) -> PaymentIntent {
        /// Customer.
        customer: &str,
        /// Description.
        description: &str,
        /// Payment method.
        payment_method: &str,
        /// Payment method types.
        payment_method_types: &[&str],
        /// Automatic payment methods: such as {"enabled": true}.
        automatic_payment_methods: Value,
        /// Confirm at once.
        confirm: bool,
        /// Capture method: `automatic`, `automatic_async`, `manual`.
        capture_method: &str,
        /// Email for the receipt.
        receipt_email: &str,
        /// Metadata.
        metadata: Value,
    }

    /// Get a payment intent. <https://docs.stripe.com/api/payment_intents/retrieve>
    get_payment_intent => GetPaymentIntent(payment_intent_id: &str) -> PaymentIntent {
        /// Expand: objects to send along instead of their ids.
        expand: &[&str],
    }

    /// Update a payment intent. <https://docs.stripe.com/api/payment_intents/update>
    update_payment_intent => UpdatePaymentIntent(payment_intent_id: &str) -> PaymentIntent {
        /// Amount.
        amount: u64,
        /// Currency.
        currency: &str,
        /// Customer.
        customer: &str,
        /// Description.
        description: &str,
        /// Metadata: an empty value removes a key.
        metadata: Value,
    }

    /// Confirm a payment intent. <https://docs.stripe.com/api/payment_intents/confirm>
    confirm_payment_intent => ConfirmPaymentIntent(payment_intent_id: &str) -> PaymentIntent {
        /// Payment method.
        payment_method: &str,
        /// Return URL: where the customer comes back to.
        return_url: &str,
        /// Off session.
        off_session: impl Into<Value>,
    }

    /// Capture a payment intent. <https://docs.stripe.com/api/payment_intents/capture>
    capture_payment_intent => CapturePaymentIntent(payment_intent_id: &str) -> PaymentIntent {
        /// Amount to capture: all of it unless given.
        amount_to_capture: u64,
        /// Metadata: an empty value removes a key.
        metadata: Value,
    }

    /// Cancel a payment intent. <https://docs.stripe.com/api/payment_intents/cancel>
    cancel_payment_intent => CancelPaymentIntent(payment_intent_id: &str) -> PaymentIntent {
        /// Reason: `duplicate`, `fraudulent`, `requested_by_customer`, `abandoned`.
        cancellation_reason: &str,
    }

    /// List payment intents. <https://docs.stripe.com/api/payment_intents/list>
    list_payment_intents => ListPaymentIntents() -> List<PaymentIntent>, of PaymentIntent {
        /// Customer.
        customer: &str,
        /// Created: seconds since 1970.
        created: Value,
        /// Limit.
        limit: u64,
        /// Starting after: the id that the page begins after.
        starting_after: &str,
        /// Ending before: the id that the page ends before.
        ending_before: &str,
        /// Expand: objects to send along instead of their ids.
        expand: &[&str],
    }

    /// Search payment intents. <https://docs.stripe.com/api/payment_intents/search>
    search_payment_intents => SearchPaymentIntents(query: &str) -> Found<PaymentIntent>, of PaymentIntent {
        /// Limit.
        limit: u64,
        /// Page: next_page of the answer before.
        page: &str,
        /// Expand: objects to send along instead of their ids.
        expand: &[&str],
    }

    /// Create a customer. Other parameters of Stripe's are sent along. <https://docs.stripe.com/api/customers/create>
    create_customer => CreateCustomer() -> Customer {
        /// Email.
        email: &str,
        /// Name.
        name: &str,
        /// Phone.
        phone: &str,
        /// Description.
        description: &str,
        /// Address.
        address: Value,
        /// Payment method.
        payment_method: &str,
        /// Metadata: an empty value removes a key.
        metadata: Value,
    }

    /// Get a customer. <https://docs.stripe.com/api/customers/retrieve>
    get_customer => GetCustomer(customer_id: &str) -> Customer {
        /// Expand: objects to send along instead of their ids.
        expand: &[&str],
    }

    /// Update a customer. <https://docs.stripe.com/api/customers/update>
    update_customer => UpdateCustomer(customer_id: &str) -> Customer {
        /// Email.
        email: &str,
        /// Name.
        name: &str,
        /// Phone.
        phone: &str,
        /// Description.
        description: &str,
        /// Address.
        address: Value,
        /// Metadata: an empty value removes a key.
        metadata: Value,
    }

    /// Delete a customer. For ever. It ends the customer's subscriptions too. <https://docs.stripe.com/api/customers/delete>
    delete_customer => DeleteCustomer(customer_id: &str) -> Deleted {}

    /// List customers. <https://docs.stripe.com/api/customers/list>
    list_customers => ListCustomers() -> List<Customer>, of Customer {
        /// Email.
        email: &str,
        /// Created: seconds since 1970.
        created: Value,
        /// Limit.
        limit: u64,
        /// Starting after: the id that the page begins after.
        starting_after: &str,
        /// Ending before: the id that the page ends before.
        ending_before: &str,
        /// Expand: objects to send along instead of their ids.
        expand: &[&str],
    }

    /// Search customers. <https://docs.stripe.com/api/customers/search>
    search_customers => SearchCustomers(query: &str) -> Found<Customer>, of Customer {
        /// Limit.
        limit: u64,
        /// Page: next_page of the answer before.
        page: &str,
        /// Expand: objects to send along instead of their ids.
        expand: &[&str],
    }

    /// Get a charge. <https://docs.stripe.com/api/charges/retrieve>
    get_charge => GetCharge(charge_id: &str) -> Charge {
        /// Expand: objects to send along instead of their ids.
        expand: &[&str],
    }

    /// List charges. <https://docs.stripe.com/api/charges/list>
    list_charges => ListCharges() -> List<Charge>, of Charge {
        /// Customer.
        customer: &str,
        /// Created: seconds since 1970.
        created: Value,
        /// Limit.
        limit: u64,
        /// Starting after: the id that the page begins after.
        starting_after: &str,
        /// Ending before: the id that the page ends before.
        ending_before: &str,
        /// Expand: objects to send along instead of their ids.
        expand: &[&str],
    }

    /// Refund a payment. <https://docs.stripe.com/api/refunds/create>
    create_refund => CreateRefund() -> Refund {
        /// Payment intent.
        payment_intent: &str,
        /// Charge.
        charge: &str,
        /// Amount: all of it unless given.
        amount: u64,
        /// Reason: `duplicate`, `fraudulent`, `requested_by_customer`.
        reason: &str,
        /// Metadata: an empty value removes a key.
        metadata: Value,
    }

    /// Get a refund. <https://docs.stripe.com/api/refunds/retrieve>
    get_refund => GetRefund(refund_id: &str) -> Refund {}

    /// List refunds. <https://docs.stripe.com/api/refunds/list>
    list_refunds => ListRefunds() -> List<Refund>, of Refund {
        /// Charge.
        charge: &str,
        /// Payment intent.
        payment_intent: &str,
        /// Limit.
        limit: u64,
        /// Starting after: the id that the page begins after.
        starting_after: &str,
        /// Ending before: the id that the page ends before.
        ending_before: &str,
    }

    /// Get an event. <https://docs.stripe.com/api/events/retrieve>
    get_event => GetEvent(event_id: &str) -> Event {}

    /// List events. Those of the last 30 days. <https://docs.stripe.com/api/events/list>
    list_events => ListEvents() -> List<Event>, of Event {
        /// Type.
        r#type: &str,
        /// Types.
        types: &[&str],
        /// Created: seconds since 1970.
        created: Value,
        /// Limit.
        limit: u64,
        /// Starting after: the id that the page begins after.
        starting_after: &str,
        /// Ending before: the id that the page ends before.
        ending_before: &str,
    }

    /// Get the balance. <https://docs.stripe.com/api/balance/balance_retrieve>
    get_balance => GetBalance() -> Balance {}

    /// Get a product. <https://docs.stripe.com/api/products/retrieve>
    get_product => GetProduct(product_id: &str) -> Product {}

    /// List products. <https://docs.stripe.com/api/products/list>
    list_products => ListProducts() -> List<Product>, of Product {
        /// Active.
        active: bool,
        /// Limit.
        limit: u64,
        /// Starting after: the id that the page begins after.
        starting_after: &str,
    }

    /// Get a price. <https://docs.stripe.com/api/prices/retrieve>
    get_price => GetPrice(price_id: &str) -> Price {}

    /// List prices. <https://docs.stripe.com/api/prices/list>
    list_prices => ListPrices() -> List<Price>, of Price {
        /// Active.
        active: bool,
        /// Product.
        product: &str,
        /// Lookup keys.
        lookup_keys: &[&str],
        /// Limit.
        limit: u64,
        /// Starting after: the id that the page begins after.
        starting_after: &str,
    }

    /// Get an invoice. <https://docs.stripe.com/api/invoices/retrieve>
    get_invoice => GetInvoice(invoice_id: &str) -> Invoice {}

    /// List invoices. <https://docs.stripe.com/api/invoices/list>
    list_invoices => ListInvoices() -> List<Invoice>, of Invoice {
        /// Customer.
        customer: &str,
        /// Subscription.
        subscription: &str,
        /// Status: `draft`, `open`, `paid`, `uncollectible`, `void`.
        status: &str,
        /// Limit.
        limit: u64,
        /// Starting after: the id that the page begins after.
        starting_after: &str,
    }

    /// Get a subscription. <https://docs.stripe.com/api/subscriptions/retrieve>
    get_subscription => GetSubscription(subscription_id: &str) -> Subscription {}

    /// List subscriptions. <https://docs.stripe.com/api/subscriptions/list>
    list_subscriptions => ListSubscriptions() -> List<Subscription>, of Subscription {
        /// Customer.
        customer: &str,
        /// Price.
        price: &str,
        /// Status: one of them, or all; unless given, all but canceled.
        status: &str,
        /// Limit.
        limit: u64,
        /// Starting after: the id that the page begins after.
        starting_after: &str,
    }
}

impl Stripe {
    /// A client with a secret or restricted key, which may be a reference such as `${env:STRIPE_KEY}`. With more to say,
    /// such as the account of a platform, use [`Stripe::open`].
    ///
    /// # Errors
    ///
    /// `invalid_config` where it is no such key.
    pub fn connect(manager: &Manager, key: &str) -> Result<Self> {
        Self::open(manager, json!({ "inputs": { "secret_key": key } }))
    }
}
